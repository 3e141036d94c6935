"""Two tasks that share a client of the Modbus TCP server at 127.0.0.1, port argv[1]."""

import asyncio
import sys

from umb.aio import AsyncTCPClient

client = AsyncTCPClient(("127.0.0.1", int(sys.argv[1])), timeout_ms=10_000)


async def ask(address):
    """Write a register and read it back."""
    await client.write_single_register(1, address, address * 11)
    return await client.read_holding_registers(1, address, 1)


async def main():
    """Let both ask at once."""
    print(await asyncio.gather(ask(4), ask(5)))


asyncio.run(main())
