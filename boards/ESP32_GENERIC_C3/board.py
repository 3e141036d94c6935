"""ESP32-C3: its pins, and what they are used for by default."""

NAME = "ESP32_GENERIC_C3"
# 18 and 19 are USB.
PINS = tuple(range(11)) + (18, 19, 20, 21)
TAKEN = dict.fromkeys(range(11, 18), "wired to the flash")
INPUT_ONLY = ()
ANALOGUE_PINS = (0, 1, 2, 3, 4)
UARTS = {1: None}  # on any pins
PULLS = ("up", "down", "none")
PWM_HZ = (1, 1000000)

UART, TX, RX, DE = 1, 7, 6, 5
REPL_ON_LINE = False  # the REPL is on USB and UART 0
NETWORK = 6  # TCP clients at once
NETWORKS = ("wifi",)

OUTPUTS = (3, 4, 10)
INPUTS = (2, 9)  # 9 is the BOOT button
ANALOGUES = (0, 1)
PWMS = ()
LED = {"pin": 8, "invert": True}
