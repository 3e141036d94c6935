"""A slave as an asyncio task, and what it takes: run on the board by test_aio.py. MicroPython.

It has this file for itself, so that no other program's names are counted. Imports are made where
they are measured.
"""
# ruff: noqa: PLC0415

import gc
import sys

from machine import Pin
from micropython import const

_READY_PIN = const(22)


def loaded():
    """The modules of umb that are loaded, and what stands for the network."""
    return sorted(name for name in sys.modules if name.startswith("umb") or name == "socket")


def ram(form, requests):
    """Answer so many requests in a task. Prints the bytes of all, and of what, and the modules.

    The slave is there first, so that what is added to it can be told: what serves it in the
    background, asyncio itself, and umb.aio with the task.
    """
    gc.collect()
    start = gc.mem_alloc()
    from umb.server import Server
    from umb.server.rtu import RTUServer
    from umb.store import Store

    baudrate, parity, stop = form
    line = {"baudrate": baudrate, "parity": parity, "stop": stop}
    store = Store(coils=8, discrete_inputs=8, input_registers=4, holding_registers=100)
    slave = RTUServer(0, Server(store), tx=0, rx=1, de=2, **line)
    gc.collect()
    of_slave = gc.mem_alloc() - start
    slave.start()
    gc.collect()
    of_background = gc.mem_alloc() - start - of_slave
    slave.stop()
    import asyncio

    gc.collect()
    of_asyncio = gc.mem_alloc() - start - of_slave - of_background
    from umb.aio import serve

    async def main():
        task = asyncio.create_task(serve(slave))
        await asyncio.sleep_ms(0)
        Pin(_READY_PIN)(1)
        while slave.counters.server_message_count < requests:
            await asyncio.sleep_ms(2)
        await asyncio.sleep_ms(20)
        gc.collect()
        whole = gc.mem_alloc() - start
        of_aio = whole - of_slave - of_background - of_asyncio
        print(whole, of_asyncio, of_aio, of_background)
        task.cancel()

    asyncio.run(main())
    print(loaded())
