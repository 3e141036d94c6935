"""Waveshare ESP32-S3-Relay-6CH: its pins, and what they are used for by default."""

NAME = "WAVESHARE_ESP32_S3_RELAY_6CH"
# 22 to 25 do not exist; 33 to 37 are taken with octal PSRAM.
PINS = tuple(range(22)) + tuple(range(39, 49))
TAKEN = dict.fromkeys(range(26, 33), "wired to the flash")
TAKEN[38] = "wired to the coloured LED"
INPUT_ONLY = ()
ANALOGUE_PINS = tuple(range(1, 11))
UARTS = {1: None, 2: None}  # on any pins
PULLS = ("up", "down", "none")
PWM_HZ = (1, 1000000)

UART, TX, RX, DE = 1, 17, 18, None  # the transceiver switches direction by itself
REPL_ON_LINE = False  # the REPL is on USB and UART 0
NETWORK = 6  # TCP clients at once
NETWORKS = ("wifi",)

OUTPUTS = (1, 2, 41, 42, 45, 46)  # the relays
INPUTS = (5, 10, 11)
ANALOGUES = (4,)
PWMS = ()
LED = None  # the coloured one is no mere pin
