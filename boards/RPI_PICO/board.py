"""Raspberry Pi Pico: its pins, and their use unless /umb.json says else."""

NAME = "RPI_PICO"
PINS = tuple(range(23)) + (25, 26, 27, 28)
INPUT_ONLY = ()
ANALOGUE_PINS = (26, 27, 28, "temperature")

UART, TX, RX, DE = 0, 0, 1, 2
REPL_ON_LINE = False  # the REPL is on USB
NETWORK = 0  # there is none

OUTPUTS = tuple(range(6, 14))
INPUTS = tuple(range(14, 22))
ANALOGUES = (26, 27, 28, "temperature")
PWMS = ()
LED = 25
