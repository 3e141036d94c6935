"""A slave whose values have names and units: a meter with a relay, for poller.py.

Board: mpremote run examples/points_slave.py
PC:    python3 tools/dev.py micropython examples/points_slave.py
       It prints the other end of the line; poller.py asks it there.
"""

from sys import platform

from machine import ADC, Pin

from umb.points import Points, PointStore
from umb.serve import serve
from umb.server import Server
from umb.server.rtu import RTUServer

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)
SENSOR = 34 if platform == "esp32" else 26

points = Points(
    [
        {"name": "voltage", "address": 0, "input_type": "input", "scale": 0.1},
        {"name": "energy", "address": 1, "input_type": "input", "data_type": "uint32"},
        {"name": "relay", "address": 0, "input_type": "coil", "writable": True},
    ]
)
store = PointStore(points, on_change=print)
sensor = ADC(Pin(SENSOR))


def measure():
    store["voltage"] = 220 + sensor.read_u16() * 20 / 65535
    store["energy"] = store["energy"] + 1


server = Server(store, slave_ids=(7,))
slave = RTUServer(UART, server, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
serve(slave, every=(500, measure))
