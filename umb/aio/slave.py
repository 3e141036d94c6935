"""AsyncSlave: umb.client.slave.Slave with calls that are awaited."""

from ..client.slave import Slave


class AsyncSlave(Slave):
    """As umb.client.slave.Slave, but every call is awaited: its client is one of umb.aio."""
