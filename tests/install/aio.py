"""A Modbus TCP server at 127.0.0.1, port argv[1], in a program with another task."""

import asyncio
import sys

from device import make

import umb.aio
from umb.server.tcp import TCPServer


async def main():
    """Serve, and say so."""
    serving = asyncio.create_task(
        umb.aio.serve(TCPServer(("127.0.0.1", int(sys.argv[1])), make()))
    )
    await asyncio.sleep_ms(10)
    print("ready")
    await serving


asyncio.run(main())
