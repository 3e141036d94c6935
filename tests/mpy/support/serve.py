"""Lines, networks and tasks beside aio.serve(), by the clock of support.uart.

Import this, or support.loop, before anything of umb.
"""

import gc

from support.loop import clock, hog, run  # comes first: asyncio by the clock of support.uart

import asyncio

from support.rtu import Bench
from support.tcp import free_port

from umb.aio import serve
from umb.server.tcp import TCPServer

_PATIENCE_US = 2_000_000


def line(*options):
    """A Bench; what the last one leaves is large, and the heap would go to pieces."""
    gc.collect()
    return Bench(*options)


async def replies(bench, n):
    """Wait until so many answers have left."""
    begin_us = clock.now_us()
    while len(bench.replies()) < n or clock.now_ns < bench.uart.end_ns():
        assert clock.now_us() - begin_us < _PATIENCE_US, "no answer"
        await asyncio.sleep_ms(1)
    await asyncio.sleep_ms(5)


def beside(main, *drivers, hog_us=0):
    """Run main() beside serve(*drivers), and a task that keeps the processor for so long."""

    async def both():
        tasks = [asyncio.create_task(serve(*drivers))]
        if hog_us:
            tasks.append(asyncio.create_task(hog(hog_us)))
        result = await main()
        for task in tasks:
            task.cancel()
        return result

    return run(both())


def listen(handler):
    return free_port(lambda port: TCPServer(("127.0.0.1", port), handler))
