"""A client of the Modbus UDP server at 127.0.0.1, port argv[1], which is server_udp.py."""

import asyncio
import sys

from umb.aio import AsyncUDPClient

client = AsyncUDPClient(("127.0.0.1", int(sys.argv[1])), timeout_ms=10_000)


async def main():
    """Ask for what server_udp.py has."""
    print(await client.read_holding_registers(1, 0, 2))


asyncio.run(main())
