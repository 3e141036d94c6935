# Written by `python3 tools/dev.py stubs` from umb/aio/__init__.py; not to be edited.

from .rtu import AsyncRTUClient as AsyncRTUClient
from .tcp import AsyncTCPClient as AsyncTCPClient
from .udp import AsyncUDPClient as AsyncUDPClient

def sleep_time_ms(nap_ms: int, rounds: int) -> int:
    """Return how long a task that polls may sleep, after so many rounds in vain.

    That grows with the time that has passed, to 5 ms, and is nap_ms at most, or 1 ms if that is 0.
    """

async def serve(*drivers, every=None) -> None:
    """Serve with all these drivers until one is shut down, or the task is cancelled.

    every   (milliseconds, function): call function() that often, too, see umb.serve.serve

    Serial servers are started in the background, where the port can do that, and stopped at the
    end: see umb.server.rtu.RTUServer.start(). Their hooks are called between two steps of any
    task. The other drivers are polled in this task.

    An exception of a driver that is polled or of the function ends serve(). On every way out
    frames that are being sent leave first, so that no direction pin stays at transmit.

    Raises ValueError without drivers, or if `every` is of the wrong kind.
    """
