"""Under asyncio: two slaves of a bus and a device in a network, asked at the same time.

Board: put the device's address here, connect the board in boot.py, see wifi.py;
       then mpremote run examples/asyncio_clients.py
PC:    python3 tools/dev.py micropython --uart 0=/dev/ttyUSB0 examples/asyncio_clients.py
"""

import asyncio
from sys import platform

from umb.aio import AsyncRTUClient, AsyncTCPClient
from umb.errors import ModbusError

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)
ADDRESS = ("127.0.0.1", 5020)


async def read(name, client, slave_id):
    try:
        print(name, await client.read_input_registers(slave_id, 0, 2))
    except ModbusError as error:
        print(name, error)


async def main():
    bus = AsyncRTUClient(UART, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE, timeout_ms=500)
    device = AsyncTCPClient(ADDRESS, timeout_ms=1000)
    await asyncio.gather(read("pump", bus, 7), read("valve", bus, 8), read("meter", device, 1))


asyncio.run(main())
