"""Olimex ESP32-POE and ESP32-POE-ISO: their pins, and what they are used for by default."""

NAME = "OLIMEX_ESP32_POE"
# 16 is taken on modules with PSRAM (WROVER).
PINS = (0, 1, 2, 3, 4, 5, 13, 14, 15, 16, 32, 33, 34, 35, 36, 39)
TAKEN = dict.fromkeys((12, 17, 18, 19, 21, 22, 23, 25, 26, 27), "wired to the Ethernet PHY")
TAKEN.update(dict.fromkeys(range(6, 12), "wired to the flash"))
INPUT_ONLY = (34, 35, 36, 39)  # without pull-ups
ANALOGUE_PINS = (32, 33, 34, 35, 36, 39)
UARTS = {1: None, 2: None}  # on any pins
PULLS = ("up", "down", "none")
PWM_HZ = (1, 1000000)

UART, TX, RX, DE = 1, 4, 36, 33  # 4 and 36 are those of the connector UEXT
REPL_ON_LINE = False  # the REPL is on UART 0
NETWORK = 6  # TCP clients at once
NETWORKS = ("lan", "wifi")
# What network.LAN() takes. The chip makes the clock.
LAN = {"mdc": 23, "mdio": 18, "power": 12, "phy_type": "PHY_LAN8720", "phy_addr": 0}
LAN.update(ref_clk=17, ref_clk_mode="OUT")

OUTPUTS = (14, 32)
INPUTS = (13, 16, 34)
ANALOGUES = (35, 39)
PWMS = ()
LED = None
