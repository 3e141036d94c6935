"""The loop of an Application in a network: asyncio, with the tasks of its parts."""

import asyncio
import sys

from umb.aio import serve

_AGAIN_S = 5  # a task that has failed is begun again after so long


def run(application, every):
    """Run the drivers of an Application and the tasks of its parts until a driver is shut down.

    A part that has a coroutine function run() is a task.
    """
    asyncio.new_event_loop()  # what an earlier run has left is forgotten
    asyncio.run(_serve(application, every))


async def _serve(application, every):
    tasks = [
        asyncio.create_task(_keep_running(part))
        for part in application.parts
        if hasattr(part, "run")
    ]
    try:
        await serve(*application.drivers, every=every)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:  # each lets go of its sockets
            try:
                await task
            except asyncio.CancelledError:
                pass


async def _keep_running(part):
    """Run a part, and begin again if it fails: the others go on."""
    while True:
        try:
            await part.run()
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            sys.print_exception(error)
            await asyncio.sleep(_AGAIN_S)
