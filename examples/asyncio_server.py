"""Under asyncio: a serial line and a network served in one task, and a measurement in another.

Board: connect it in boot.py, see wifi.py; then mpremote run examples/asyncio_server.py
PC:    python3 tools/dev.py micropython examples/asyncio_server.py
       It listens at port 5020, a board at 502.
"""

import asyncio
from sys import platform

from machine import ADC, Pin

from umb.aio import serve
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.store import Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)
SENSOR = 34 if platform == "esp32" else 26
PORT = 5020 if platform == "linux" else 502

store = Store(coils=8, input_registers=2)
server = Server(store, slave_ids=(7,))


async def measure():
    sensor = ADC(Pin(SENSOR))
    while True:
        store.input_registers[0] = sensor.read_u16()
        store.input_registers[1] = store.input_registers[1] + 1 & 0xFFFF
        await asyncio.sleep_ms(100)


async def main():
    slave = RTUServer(UART, server, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
    tcp = TCPServer(("0.0.0.0", PORT), server)
    await asyncio.gather(serve(slave, tcp), measure())


asyncio.run(main())
