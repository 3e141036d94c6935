"""A slave and a master as asyncio tasks, run on the board by test_aio.py. MicroPython.

Imports are made where they are measured.
"""
# ruff: noqa: PLC0415

import gc
import sys

from machine import Pin
from micropython import const

_READY_PIN = const(22)
_SLAVE_ID = const(1)


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


def read(form, quantity):
    """Read so many registers in a task, and print them."""
    import asyncio

    import umb.aio
    from umb.aio.rtu import AsyncRTUClient

    assert umb.aio.AsyncRTUClient is AsyncRTUClient
    baudrate, parity, stop = form
    line = {"baudrate": baudrate, "parity": parity, "stop": stop}
    client = AsyncRTUClient(0, tx=0, rx=1, de=2, **line)

    async def main():
        Pin(_READY_PIN)(1)
        return await client.read_holding_registers(_SLAVE_ID, 0, quantity)

    print(asyncio.run(main()))


def no_network():
    """Print what a firmware without a network has to say to the clients of one."""
    import umb.aio

    for name in ("AsyncTCPClient", "AsyncUDPClient", "AsyncNothing"):
        try:
            print(getattr(umb.aio, name))
        except (ImportError, AttributeError) as error:
            print("%s: %s" % (type(error).__name__, error))


def bring():
    """Be never called: what it imports is put onto the board."""
    import umb.aio.tcp
    import umb.aio.udp

    return umb.aio


def serve_beside_tasks(form):
    """Serve by umb.aio.serve(), beside a task that sleeps 1 ms again and again."""
    import asyncio

    import slaves
    from umb.aio import serve

    async def main():
        task = asyncio.create_task(serve(slaves.make(*form)))
        await asyncio.sleep_ms(5)
        Pin(_READY_PIN)(1)
        while not task.done():
            await asyncio.sleep_ms(1)

    asyncio.run(main())
