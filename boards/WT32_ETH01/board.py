"""WT32-ETH01 of Wireless-Tag: its pins, and what they are used for by default."""

NAME = "WT32_ETH01"
PINS = (1, 2, 3, 4, 5, 12, 14, 15, 17, 32, 33, 35, 36, 39)
TAKEN = dict.fromkeys((0, 16, 18, 19, 21, 22, 23, 25, 26, 27), "wired to the Ethernet PHY")
TAKEN.update(dict.fromkeys(range(6, 12), "wired to the flash"))
INPUT_ONLY = (35, 36, 39)  # without pull-ups
ANALOGUE_PINS = (32, 33, 35, 36, 39)
UARTS = {1: None, 2: None}  # on any pins
PULLS = ("up", "down", "none")
PWM_HZ = (1, 1000000)

UART, TX, RX, DE = 2, 17, 5, 33  # 17 and 5 are labelled TXD and RXD
REPL_ON_LINE = False  # the REPL is on UART 0
NETWORK = 6  # TCP clients at once
NETWORKS = ("lan", "wifi")
# What network.LAN() takes; power is what enables the oscillator. The clock comes from there.
LAN = {"mdc": 23, "mdio": 18, "power": 16, "phy_type": "PHY_LAN8720", "phy_addr": 1}
LAN.update(ref_clk=0, ref_clk_mode="IN")

OUTPUTS = (4, 14, 15)
INPUTS = (32,)
ANALOGUES = (35, 36, 39)
PWMS = ()
LED = None
