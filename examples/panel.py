"""A device with a page for browsers: its values, an output that can be switched, its registers.

Open http://ADDRESS:8080/ in a browser: the address of the board in its network, on a PC 127.0.0.1.
The password is "correct horse". Modbus clients find it at port 5020. A network is needed, see
wifi.py, and the library microdot:

Board: mpremote mip install github:miguelgrinberg/microdot/src/microdot
       mpremote run examples/panel.py
PC:    python3 tools/dev.py micropython examples/panel.py
"""

import asyncio
from time import ticks_diff, ticks_ms

from microdot import Microdot

from umb.aio import serve
from umb.panel import Panel
from umb.panel.passwords import hash_password
from umb.panel.web import WebServer
from umb.points import Points, PointStore
from umb.server import Server
from umb.server.tcp import TCPServer

points = Points(
    [
        {"name": "temperature", "address": 0, "input_type": "input", "unit_of_measurement": "°C"},
        {
            "name": "set point",
            "address": 0,
            "writable": True,
            "min_value": 5,
            "max_value": 30,
            "unit_of_measurement": "°C",
        },
        {"name": "heating", "address": 0, "input_type": "coil", "writable": True},
    ]
)


def measure():
    store["temperature"] = 20 + ticks_diff(ticks_ms(), 0) // 1000 % 10


async def main():
    page = asyncio.create_task(WebServer(app, ("0.0.0.0", 8080)).serve())
    await serve(TCPServer(("0.0.0.0", 5020), server), every=(1000, measure))
    page.cancel()


store = PointStore(points, on_change=print)
store["set point"] = 21
server = Server(store)
app = Microdot()
Panel(app, server, points=store, password=hash_password("correct horse"))
asyncio.run(main())
