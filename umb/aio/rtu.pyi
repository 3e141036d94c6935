# Written by `python3 tools/dev.py stubs` from umb/client/rtu.py; not to be edited.

from ..client.rtu import RTUClient
from ..frame.rtu import RTU
from .client import AsyncCalls

class AsyncRTUClient(AsyncCalls, RTUClient):  # type: ignore[misc] # the same calls, awaited
    """A client on a serial line.

    uart           a UART's number; or a machine.UART, or an object like one, whose format has to
                   be given here as well
    baudrate, bits=8, parity=None, stop=1   parity 0 is even, 1 odd; SL 2.5.1 wants 8E1 or 8N2
    tx, rx, de, de_active, turnaround_us, gap_ms   as RTUServer has them
    framer=RTU     or umb.frame.ascii.ASCII
    timeout_ms     how long a call waits until the reply begins, from the end of the request. A
                   reply that is arriving then is received to its end
    retries, pause_ms, busy_pause_ms, strict   as umb.client.Client has them
    broadcast      whether slave id 0 is everybody (SL 2.1); False: a device, which may answer with
                   any slave id
    turnaround_ms  how long a broadcast takes (SL 2.4.1: 100 to 200)
    echo           whether the line brings back what is sent, as a USB adapter does whose receiver
                   is always on: it is read and compared. The echo on a machine.UART is thrown away
                   in any case

    A value that is returned belongs to the request: umb.client.late.LateReplies says how, and what
    that costs. Raises ValueError for a wrong format or argument.
    """

    def __init__(
        self,
        uart,
        *,
        baudrate,
        bits=8,
        parity=None,
        stop=1,
        tx=None,
        rx=None,
        de=None,
        de_active=1,
        turnaround_us=0,
        gap_ms=20,
        framer=RTU,
        timeout_ms=1000,
        retries=0,
        pause_ms=0,
        busy_pause_ms=0,
        strict=True,
        broadcast=True,
        turnaround_ms=100,
        echo=False,
    ) -> None: ...
