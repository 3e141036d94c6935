"""A slave whose values an MQTT broker, and Home Assistant, see as well.

Switch the relay:  mosquitto_pub -h BROKER -t umb/pump/io/relay/set -m 1
See everything:    mosquitto_sub -h BROKER -t 'umb/#' -v

Board: mpremote run examples/mqtt_slave.py
       once it is in a network, see wifi.py, and has what docs/how-to/mqtt.md says.
PC:    python3 tools/dev.py micropython examples/mqtt_slave.py
       with a broker on the PC.
"""

from sys import platform

from umb.bridge import Bridge
from umb.bridge.discovery import Discovery
from umb.bridge.mqtt import MQTT
from umb.points import Points, PointStore
from umb.serve import serve
from umb.server import Server
from umb.server.rtu import RTUServer

BROKER = "127.0.0.1" if platform == "linux" else "192.168.1.2"
UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

points = Points(
    [
        {"name": "relay", "address": 0, "input_type": "coil", "writable": True},
        {
            "name": "pressure",
            "address": 0,
            "input_type": "input",
            "scale": 0.01,
            "unit_of_measurement": "bar",
            "device_class": "pressure",
        },
    ]
)
store = PointStore(points, on_change=print)  # whoever has written it: a master, or the broker


def measure():
    store["pressure"] = (store["pressure"] + 0.07) % 3


rtu = RTUServer(UART, Server(store, slave_ids=(7,)), baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
bridge = Bridge(store, MQTT(BROKER), name="pump", discovery=Discovery(), on_error=print)
serve(rtu, bridge, every=(1000, measure))
