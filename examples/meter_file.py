"""Polls a meter that a file describes, and serves what it reads under the same addresses.

The file is docs/profiles/eastron_sdm230.json. `mpremote cp FILE :meter.json` puts it on a board;
`python3 tools/dev.py run --profile FILE` serves it as a simulated meter at port 5020. Clients find
what was read at port 5021 of the board or PC, slave id 1.

Board: mpremote run examples/meter_file.py
PC:    python3 tools/dev.py micropython examples/meter_file.py
"""

from umb.client.tcp import TCPClient
from umb.points import Points, PointStore
from umb.poller import Poller
from umb.serve import serve
from umb.server import Server
from umb.server.tcp import TCPServer


def load():
    """Return the points of the meter: the board's file, or that of the checkout."""
    for path in ("meter.json", "docs/profiles/eastron_sdm230.json"):
        try:
            return Points.load(path)
        except OSError:
            pass
    raise OSError("there is no meter.json")


points = load()
store = PointStore(points)


def pass_on(device, name, value):
    """Put what was read into the store, which clients read."""
    print(name, value)
    store[name] = value


poller = Poller(TCPClient(("127.0.0.1", 5020)), on_change=pass_on)
meter = poller.device(1, points, interval_ms=1000)
serve(poller, TCPServer(("0.0.0.0", 5021), Server(store, slave_ids=(1,))))
