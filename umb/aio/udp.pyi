# Written by `python3 tools/dev.py stubs` from umb/client/udp.py; not to be edited.

from ..client.udp import UDPClient
from .client import AsyncCalls

class AsyncUDPClient(AsyncCalls, UDPClient):  # type: ignore[misc] # the same calls, awaited
    """A client of the Modbus UDP server at `address`, (host, port).

    timeout_ms  how long a call waits for the reply
    retries     how many times it asks again: datagrams get lost
    pause_ms, busy_pause_ms, strict   as umb.client.Client has them
    broadcast   whether slave id 0 is a broadcast behind the server, where writes to it are not
                answered; else it is a device as any other (TCP Guide 4.4.2.1)

    Datagrams from anyone else are not received. Raises ValueError for a wrong argument.
    """

    def __init__(
        self,
        address: tuple,
        *,
        timeout_ms: int = 1000,
        retries: int = 2,
        pause_ms: int = 0,
        busy_pause_ms: int = 0,
        strict: bool = True,
        broadcast: bool = False,
    ) -> None: ...
