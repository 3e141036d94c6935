"""A master that reads a meter in intervals, prints what changes, and switches its relay.

What the registers mean is told once, as points. A file does as well: Points.load("meter.json").

Board: mpremote run examples/poller.py
PC:    python3 tools/dev.py micropython --uart 0=/dev/pts/6 examples/poller.py
       with the device that points_slave.py has printed.
"""

from sys import platform

from umb.client.rtu import RTUClient
from umb.points import Points
from umb.poller import Poller
from umb.serve import serve

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

points = Points(
    [
        {"name": "voltage", "address": 0, "input_type": "input", "scale": 0.1},
        {"name": "energy", "address": 1, "input_type": "input", "data_type": "uint32"},
        {"name": "relay", "address": 0, "input_type": "coil", "writable": True},
    ]
)


def changed(device, name, value):
    print(name, value)


def told(device, state):
    print(state)


def switch():
    if meter.state == "online":
        meter["relay"] = 0 if meter["relay"] else 1


bus = RTUClient(UART, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE, timeout_ms=300)
poller = Poller(bus, on_change=changed, on_state=told)
meter = poller.device(7, points, interval_ms=500)
serve(poller, every=(2000, switch))
