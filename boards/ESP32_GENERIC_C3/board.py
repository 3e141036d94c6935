"""ESP32-C3: its pins, and their use unless /umb.json says else."""

NAME = "ESP32_GENERIC_C3"
# 11 to 17 are the flash, 18 and 19 USB.
PINS = tuple(range(11)) + (18, 19, 20, 21)
INPUT_ONLY = ()
ANALOGUE_PINS = (0, 1, 2, 3, 4)

UART, TX, RX, DE = 1, 7, 6, 5
REPL_ON_LINE = False  # the REPL is on USB and UART 0
NETWORK = 6  # TCP clients at once

OUTPUTS = (3, 4, 10)
INPUTS = (2, 9)  # 9 is the BOOT button
ANALOGUES = (0, 1)
PWMS = ()
LED = {"pin": 8, "invert": True}
