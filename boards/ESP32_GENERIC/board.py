"""ESP32 (WROOM and alike): its pins, and what they are used for by default."""

NAME = "ESP32_GENERIC"
# 16 and 17 are taken on modules with PSRAM (WROVER).
PINS = (0, 1, 2, 3, 4, 5) + tuple(range(12, 20)) + (21, 22, 23, 25, 26, 27, 32, 33, 34, 35, 36, 39)
TAKEN = dict.fromkeys(range(6, 12), "wired to the flash")
INPUT_ONLY = (34, 35, 36, 39)  # without pull-ups
ANALOGUE_PINS = (32, 33, 34, 35, 36, 39)
UARTS = {1: None, 2: None}  # on any pins
PULLS = ("up", "down", "none")
PWM_HZ = (1, 1000000)

UART, TX, RX, DE = 2, 17, 16, 4
REPL_ON_LINE = False  # the REPL is on UART 0
NETWORK = 6  # TCP clients at once
NETWORKS = ("wifi",)

OUTPUTS = (18, 19, 21, 22, 23, 25, 26, 27)
INPUTS = (13, 14, 32, 33)
ANALOGUES = (34, 35, 36, 39)
PWMS = ()
LED = 2
