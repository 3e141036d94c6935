"""A slave and a master as asyncio tasks, run on the board by test_aio.py. MicroPython."""
# ruff: noqa: PLC0415 - each program imports only what it needs

from machine import Pin
from micropython import const

_READY_PIN = const(22)
_SLAVE_ID = const(1)


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
