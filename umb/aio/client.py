"""The calls of umb.client as coroutines, for the clients of all transports."""

import asyncio

from micropython import const

from ..client import NO_CONNECTION, PENDING
from .wait import rest_ms

_IDENTIFICATION = const(43)


class AsyncCalls:
    """The calls of a Client as coroutines. Tasks may share one: their calls queue in order."""

    _queue = None  # the tickets of the calls that wait; the first of them is under way
    _ticket = 0

    async def _call(
        self, code, slave_id, address, quantity, values=None, into=None, signed=None, extra=0
    ):
        if self._queue is None:
            self._queue = []
        queue = self._queue
        self._ticket = ticket = self._ticket + 1 & 0xFFFF
        queue.append(ticket)
        try:
            place = queue.index(ticket)
            while place:
                await asyncio.sleep_ms(place)  # each call before this one takes that at least
                place = queue.index(ticket)
            tries = self.retries
            while True:
                # Bytes are written only now: the buffer is one for all tasks.
                status = self._begin(code, slave_id, address, quantity, values, into, extra)
                rounds = 0
                try:
                    while status == PENDING:
                        await asyncio.sleep_ms(rest_ms(self.nap_ms(), rounds))
                        rounds += 1
                        status = self.advance()
                except OSError:
                    status = NO_CONNECTION
                except BaseException:
                    self.abandon()
                    raise
                status = self._check(status, code, quantity)
                if status < 0 and tries > 0:
                    tries -= 1
                    continue
                result = self._result(status, code, quantity, values, into, signed)
                if code != _IDENTIFICATION or result is values:
                    return result
                quantity = values[result]  # more objects follow, from this one on
        finally:
            queue.remove(ticket)
