"""AsyncUDPClient: umb.client.udp.UDPClient with calls that are awaited."""

from ..client.udp import UDPClient
from .client import AsyncCalls


class AsyncUDPClient(AsyncCalls, UDPClient):
    """As umb.client.udp.UDPClient, but every call is awaited. Tasks may share one."""
