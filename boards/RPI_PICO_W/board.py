"""Raspberry Pi Pico W: its pins, and what they are used for by default."""

NAME = "RPI_PICO_W"
PINS = tuple(range(23)) + (26, 27, 28, "LED")
TAKEN = dict.fromkeys((23, 24, 25, 29), "wired to the radio")
INPUT_ONLY = ()
ANALOGUE_PINS = (26, 27, 28, "temperature")
UARTS = {0: ((0, 12, 16, 28), (1, 13, 17)), 1: ((4, 8, 20), (5, 9, 21))}  # TX, RX pins
PULLS = ("up", "down", "none")
PWM_HZ = (8, 1000000)

UART, TX, RX, DE = 0, 0, 1, 2
REPL_ON_LINE = False  # the REPL is on USB
NETWORK = 4  # TCP clients at once
NETWORKS = ("wifi",)

OUTPUTS = tuple(range(6, 14))
INPUTS = tuple(range(14, 22))
ANALOGUES = (26, 27, 28, "temperature")
PWMS = ()
LED = "LED"
