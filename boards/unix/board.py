"""A machine without pins of its own: which are simulated, and what they are used for."""

NAME = "unix"
PINS = tuple(range(32))
TAKEN = {}
INPUT_ONLY = ()
ANALOGUE_PINS = (16, 17, 18, 19)
UARTS = {0: None, 1: None}
PULLS = ("up", "down", "none")
PWM_HZ = (1, 1000000)

UART, TX, RX, DE = 0, None, None, None  # main.py's options name the devices
REPL_ON_LINE = False
NETWORK = 4  # TCP clients at once
NETWORKS = ("wifi",)  # what its settings may name; it is in the network of the PC

OUTPUTS = tuple(range(8))
INPUTS = tuple(range(8, 16))
ANALOGUES = ANALOGUE_PINS
PWMS = (20, 21, 22, 23)
LED = 24
