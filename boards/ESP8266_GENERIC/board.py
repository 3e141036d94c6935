"""ESP8266 (NodeMCU, D1 mini and alike): its pins, and what they are used for by default."""

NAME = "ESP8266_GENERIC"
PINS = (0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16)
TAKEN = dict.fromkeys(range(6, 12), "wired to the flash")
INPUT_ONLY = ()
ANALOGUE_PINS = ("A0",)
UARTS = {0: ((15, 1), (13, 3))}  # TX, RX pins: 15 and 13, or 1 and 3
PULLS = ("up", "none")
PWM_HZ = (1, 1000)

UART, TX, RX, DE = 0, 15, 13, 5  # on these pins nothing of the boot loader reaches the line
REPL_ON_LINE = True  # the only UART that receives is the REPL's
NETWORK = 0  # not enough memory for both

OUTPUTS = (4, 12, 14)
INPUTS = (0,)  # the FLASH button
ANALOGUES = ("A0",)
PWMS = ()
LED = {"pin": 2, "invert": True}
