# Written by `python3 tools/dev.py stubs` from umb/client/tcp.py; not to be edited.

from ..client.tcp import TCPClient
from ..frame.mbap import MBAP
from .client import AsyncCalls

class AsyncTCPClient(AsyncCalls, TCPClient):  # type: ignore[misc] # the same calls, awaited
    """A client of the Modbus TCP server at `address`, (host, port).

    timeout_ms  how long a call waits for the connection, and then for the reply
    retries, pause_ms, busy_pause_ms, strict   as umb.client.Client has them
    framer      MBAP, or umb.frame.rtu_stream.RTUStream: RTU frames in the stream, as serial device
                servers have them
    echo        with RTUStream: whether the server sends back what it is sent, as lines do whose
                receiver is always on. True; False; None: the client finds out. Until it has, a
                write whose reply only repeats it takes timeout_ms
    broadcast   whether slave id 0 is everybody behind the server, who do not answer a write; else
                it is a device as any other (TCP Guide 4.4.2.1)
    connect_pause_ms          how long after a connection is made the first request is sent over
                it: some inverters close it if they are asked in their first second
    reconnect_after_timeouts  after how many time-outs in a row without any byte received the
                connection is closed; 1 with RTUStream

    It connects when it is first used, and again after the connection was lost. If the server has
    closed a connection that was used before, and no byte of the reply has come, the request is
    sent once more over a new one. Attempts to connect in a row are 0.1 s apart, then twice as long
    each time, up to 10 s, if they fail or the server closes without a reply; a call waits
    timeout_ms at most for its turn. A pause after connecting is no part of timeout_ms.

    Raises ValueError for a wrong argument.
    """

    def __init__(
        self,
        address: tuple,
        *,
        timeout_ms: int = 1000,
        retries: int = 0,
        pause_ms: int = 0,
        busy_pause_ms: int = 0,
        strict: bool = True,
        framer=MBAP,
        echo=None,
        broadcast: bool = False,
        connect_pause_ms: int = 0,
        reconnect_after_timeouts: int = 1,
    ) -> None: ...
