"""Raspberry Pi Pico 2 W: its pins, and what they are used for by default."""

NAME = "RPI_PICO2_W"
PINS = tuple(range(23)) + (26, 27, 28, "LED")
TAKEN = dict.fromkeys((23, 24, 25, 29), "wired to the radio")
INPUT_ONLY = ()
ANALOGUE_PINS = (26, 27, 28, "temperature")
UARTS = {  # the TX pins and the RX pins of each
    0: ((0, 2, 12, 14, 16, 18, 28), (1, 3, 13, 15, 17, 19)),
    1: ((4, 6, 8, 10, 20, 22, 26), (5, 7, 9, 11, 21, 27)),
}
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
