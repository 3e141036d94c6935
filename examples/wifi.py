"""How a board joins a network, with NAME and PASSWORD of yours: a boot.py for the other examples.

Board: mpremote cp examples/wifi.py :boot.py
PC:    python3 tools/dev.py micropython examples/wifi.py
       The PC's network is there already.
"""

import network
from time import sleep_ms

wlan = network.WLAN(network.STA_IF)
wlan.active(True)
wlan.connect("NAME", "PASSWORD")
for _ in range(150):
    if wlan.isconnected():
        break
    sleep_ms(100)
print("address:", wlan.ifconfig()[0])
