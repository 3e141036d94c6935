"""Raspberry Pi Pico W: its pins, and their use unless /umb.json says else."""

NAME = "RPI_PICO_W"
PINS = tuple(range(23)) + (26, 27, 28, "LED")
INPUT_ONLY = ()
ANALOGUE_PINS = (26, 27, 28, "temperature")

UART, TX, RX, DE = 0, 0, 1, 2
REPL_ON_LINE = False  # the REPL is on USB
NETWORK = 4  # TCP clients at once

OUTPUTS = tuple(range(6, 14))
INPUTS = tuple(range(14, 22))
ANALOGUES = (26, 27, 28, "temperature")
PWMS = ()
LED = "LED"
