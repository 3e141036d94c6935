"""AsyncTCPClient: umb.client.tcp.TCPClient with calls that are awaited."""

from ..client.tcp import TCPClient
from .client import AsyncCalls


class AsyncTCPClient(AsyncCalls, TCPClient):
    """As umb.client.tcp.TCPClient, but every call is awaited. Tasks may share one."""
