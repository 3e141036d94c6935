"""WIZnet W5500-EVB-Pico: its pins, and what they are used for by default."""

NAME = "W5500_EVB_PICO"
PINS = tuple(range(16)) + (22, 25, 26, 27, 28)
TAKEN = dict.fromkeys(range(16, 22), "wired to the W5500")
TAKEN.update(dict.fromkeys((23, 24, 29), "wired to the power supply"))
INPUT_ONLY = ()
ANALOGUE_PINS = (26, 27, 28, "temperature")
UARTS = {0: ((0, 12, 28), (1, 13)), 1: ((4, 8), (5, 9, 25))}  # TX, RX pins
PULLS = ("up", "down", "none")
PWM_HZ = (8, 1000000)

UART, TX, RX, DE = 0, 0, 1, 2
REPL_ON_LINE = False  # the REPL is on USB
NETWORK = 4  # TCP clients at once
NETWORKS = ("w5500",)

OUTPUTS = tuple(range(6, 12))
INPUTS = tuple(range(12, 16))
ANALOGUES = (26, 27, 28, "temperature")
PWMS = ()
LED = 25
