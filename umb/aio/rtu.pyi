# What umb/aio/rtu.py has, for editors: some do not look for the constructor further up.

from ..client.rtu import RTUClient
from ..frame.rtu import RTU
from .client import AsyncCalls

class AsyncRTUClient(AsyncCalls, RTUClient):
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
        turnaround_ms=100,
        echo=False,
    ) -> None: ...
