# What umb/aio/__init__.py has, for editors and type checkers: it loads the classes by their names.

from typing import Any

from .rtu import AsyncRTUClient as AsyncRTUClient
from .tcp import AsyncTCPClient as AsyncTCPClient
from .udp import AsyncUDPClient as AsyncUDPClient

async def serve(*drivers: Any) -> None: ...
