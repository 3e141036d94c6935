"""AsyncRTUClient: umb.client.rtu.RTUClient with calls that are awaited."""

from ..client.rtu import RTUClient
from .client import AsyncCalls


class AsyncRTUClient(AsyncCalls, RTUClient):
    """As umb.client.rtu.RTUClient, but every call is awaited. Tasks may share one."""
