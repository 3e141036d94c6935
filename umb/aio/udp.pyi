# What umb/aio/udp.py has, for editors: some do not look for the constructor further up.

from ..client.udp import UDPClient
from .client import AsyncCalls

class AsyncUDPClient(AsyncCalls, UDPClient):
    def __init__(self, address, *, timeout_ms=1000, retries=2) -> None: ...
