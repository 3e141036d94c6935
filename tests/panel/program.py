"""A board with a Panel: program.py HTTP_PORT MODBUS_PORT [read-only] [quick]"""

import asyncio
import sys
from time import ticks_ms

from microdot import Microdot

from umb import aio
from umb.panel import Panel
from umb.panel.passwords import hash_password
from umb.panel.web import WebServer
from umb.points import Points, PointStore
from umb.server import Server
from umb.server.tcp import TCPServer

PASSWORD = "correct horse"
points = Points(
    [
        {
            "name": "voltage",
            "address": 0,
            "input_type": "input",
            "data_type": "float32",
            "unit_of_measurement": "V",
            "precision": 1,
        },
        {"name": "count", "address": 2, "input_type": "input", "data_type": "uint32"},
        {
            "name": "setpoint",
            "address": 10,
            "scale": 0.5,
            "writable": True,
            "min_value": 0,
            "max_value": 100,
            "unit_of_measurement": "°C",
        },
        {"name": "gain", "address": 11, "data_type": "float32", "swap": "word", "writable": True},
        {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
        {"name": "alarm", "address": 3, "input_type": "discrete_input"},
        {"name": "automatic", "address": 13, "bit": 3, "writable": True},
        {"name": "label", "address": 20, "data_type": "string", "count": 8, "writable": True},
    ]
)
store = PointStore(points, on_change=lambda name, value: print("changed", name, value))
store["voltage"] = 230.0
store["label"] = "Pump 3"
server = Server(store)


class Settings:
    """Settings in memory, by the contract of docs/how-to/panel.md."""

    def __init__(self):
        self.values = {"name": "Demo", "baudrate": 19200}

    def rules(self):
        return [
            {"key": "name", "kind": "text", "help": "What the board is called."},
            {"key": "baudrate", "kind": "number", "least": 300, "most": 4000000, "default": 9600},
            {"key": "parity", "choices": ["N", "E", "O"], "default": "E"},
            {"key": "outputs", "kind": "json", "help": "The pins of the coils."},
            {"key": "password", "kind": "text", "secret": True, "default": ""},
        ]

    def load(self):
        return {key: self.values[key] for key in self.values if key != "password"}

    def check(self, values):
        if values.get("baudrate", 9600) == 12345:
            return ["baudrate 12345 is not possible"]
        return []

    async def save(self, values):
        if values.get("name") == "full":
            raise OSError("no space left")
        self.values = values
        print("saved", values)

    def restart(self):
        print("restart")


def about():
    return [("Name", settings.values.get("name")), ("Board", "unix"), ("Role", "io")]


def buses():
    counters = tcp.counters
    return [
        {
            "name": "UART 1",
            "baudrate": 19200,
            "format": "8E1",
            "health": "ok",
            "counters": [["Messages", counters.bus_message_count]],
            "slaves": slaves("meter"),
            "errors": iter(
                [
                    {"age_s": 200, "who": "slave 8", "asked": "FC 3 at 0 x 2", "status": -2},
                    {"age_s": 5, "who": "slave 7", "asked": "FC 4 at 99", "status": 2, "times": 3},
                    {"what": "made up"},
                    "a text alone",
                ]
            ),
        }
    ]


def slaves(name):
    """Yield what is known of a slave that answers, and of one that does not."""
    yield {
        "id": 7,
        "name": name,
        "state": "online",
        "requests": 12,
        "answers": 11,
        "timeouts": 1,
        "last_ms": 17,
        "worst_ms": 341,
    }
    yield {"id": 8, "name": name, "state": "offline", "requests": 5, "timeouts": 5}


def gateway():
    return {"clients": ["127.0.0.1:50123"], "queue": 2, "slaves": slaves("UART 1")}


settings = Settings()
tcp = TCPServer(("127.0.0.1", int(sys.argv[2])), server)
app = Microdot()
panel = Panel(
    app,
    server,
    points=store,
    slave_id=lambda: 1,
    max_viewers=3,
    about=about,
    buses=buses,
    gateway=gateway,
    settings=settings,
    password=None if "read-only" in sys.argv else hash_password(PASSWORD),
)
other = Panel(app, server, prefix="/other")


web = WebServer(
    app, ("127.0.0.1", int(sys.argv[1])), timeout_ms=1000 if "quick" in sys.argv else 10_000
)


@app.route("/endless")
async def endless(_):
    """Send without end: for clients that take nothing."""
    return _pieces()


def _pieces():
    while True:
        yield bytes(4096)


@app.route("/counts")
async def counts(_):
    """Tell how many clients were refused and turned away."""
    return [web.refused, web.turned_away]


def count():
    store["count"] = ticks_ms() // 500 & 0xFFFF


async def main():
    task = asyncio.create_task(web.serve())
    await asyncio.sleep_ms(50)
    print("ready")
    await aio.serve(tcp, every=(100, count))
    task.cancel()


asyncio.run(main())
