"""The calls of umb.client as coroutines, for the clients of all transports."""

import asyncio

from ..client.status import PENDING
from . import sleep_time_ms


class AsyncCalls:
    """The calls of a Client as coroutines. Tasks may share one: their calls queue in order.

    `async with` connects and closes. A call that is cancelled leaves the line, or the connection,
    so that the next one works.
    """

    _queue = None  # the Requests of the calls that wait; the first of them is under way

    def slave(
        self,
        slave_id,
        *,
        timeout_ms=None,
        retries=None,
        pause_ms=None,
        busy_pause_ms=None,
        strict=None,
        broadcast=None,
    ):
        """Return an umb.aio.slave.AsyncSlave, see umb.client.Client.slave()."""
        from .slave import AsyncSlave

        return AsyncSlave(
            self, slave_id, timeout_ms, retries, pause_ms, busy_pause_ms, strict, broadcast
        )

    async def _call(self, request):
        if self._queue is None:
            self._queue = []
        queue = self._queue
        queue.append(request)
        try:
            place = queue.index(request)
            while place:
                # Each call before this one takes a millisecond at least.
                await asyncio.sleep_ms(place)
                place = queue.index(request)
            while not self.is_free():
                await asyncio.sleep_ms(1)  # a Poller shares the client
            # Bytes are written only now: the buffer is one for all tasks.
            status = self.begin(request)
            request.prepare_value()
            rounds = 0
            while status == PENDING:
                await asyncio.sleep_ms(sleep_time_ms(self.nap_in_call_ms(), rounds))
                rounds += 1
                status = self.go_on(request, False)
            if status:
                raise self._error(request, status)
            return request.value(self._adu, self._n)
        finally:
            queue.remove(request)
            self.release(request)

    async def __aenter__(self):
        await self.connect()
        return self

    async def __aexit__(self, kind, error, trace):
        self.close()
