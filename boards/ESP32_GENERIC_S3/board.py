"""ESP32-S3: its pins, and what they are used for by default."""

NAME = "ESP32_GENERIC_S3"
# 22 to 25 do not exist; 33 to 37 are taken with octal PSRAM.
PINS = tuple(range(22)) + tuple(range(33, 49))
TAKEN = dict.fromkeys(range(26, 33), "wired to the flash")
INPUT_ONLY = ()
ANALOGUE_PINS = tuple(range(1, 11))
UARTS = {1: None, 2: None}  # on any pins
PULLS = ("up", "down", "none")
PWM_HZ = (1, 1000000)

UART, TX, RX, DE = 1, 17, 18, 16
REPL_ON_LINE = False  # the REPL is on USB and UART 0
NETWORK = 6  # TCP clients at once
NETWORKS = ("wifi",)

OUTPUTS = (9, 10, 11, 12, 13, 14, 21, 47)
INPUTS = (5, 6, 7, 8, 15, 38, 39, 40)
ANALOGUES = (1, 2, 4)
PWMS = ()
LED = None  # most boards have a coloured one, which is no mere pin
