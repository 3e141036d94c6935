"""Two tasks that share a master on the serial device argv[1]."""

import asyncio
import sys

from pc_line import TTY  # stands for machine.UART

from umb.aio import AsyncRTUClient

client = AsyncRTUClient(TTY(sys.argv[1], 19200), baudrate=19200, timeout_ms=10_000)


async def ask(address):
    """Write a register and read it back."""
    await client.write_single_register(1, address, address * 11)
    return await client.read_holding_registers(1, address, 1)


async def main():
    """Let both ask at once."""
    print(await asyncio.gather(ask(4), ask(5)))


asyncio.run(main())
