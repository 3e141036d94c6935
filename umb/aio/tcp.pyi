# What umb/aio/tcp.py has, for editors: some do not look for the constructor further up.

from ..client.tcp import TCPClient
from ..frame.mbap import MBAP
from .client import AsyncCalls

class AsyncTCPClient(AsyncCalls, TCPClient):
    def __init__(self, address, *, timeout_ms=1000, retries=0, framer=MBAP) -> None: ...
