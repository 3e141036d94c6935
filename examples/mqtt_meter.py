"""Publishes what it reads of a meter to an MQTT broker. The meter is described by a file.

The file is docs/profiles/eastron_sdm230.json. `mpremote cp FILE :meter.json` puts it on a board;
`python3 tools/dev.py run --profile FILE` serves it as a simulated meter at port 5020.

Board: mpremote run examples/mqtt_meter.py
       once it is in a network, see wifi.py, and has what docs/how-to/mqtt.md says.
PC:    python3 tools/dev.py micropython examples/mqtt_meter.py
       with a broker on the PC: mosquitto_sub -t 'umb/#' -v
"""

from sys import platform

from umb.bridge import Bridge
from umb.bridge.mqtt import MQTT
from umb.client.tcp import TCPClient
from umb.points import Points
from umb.poller import Poller
from umb.serve import serve

ON_PC = platform == "linux"
BROKER, METER = ("127.0.0.1", "127.0.0.1") if ON_PC else ("192.168.1.2", "192.168.1.5")

points = Points.load("docs/profiles/eastron_sdm230.json" if ON_PC else "meter.json")
poller = Poller(TCPClient((METER, 5020)))
meter = poller.device(1, points, interval_ms=1000)
bridge = Bridge(poller, MQTT(BROKER), name="cellar", devices={"meter": meter}, on_error=print)
serve(poller, bridge)
