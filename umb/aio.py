"""asyncio: serve() for any number of drivers in one task, and clients whose calls are awaited.

Waiting is done with asyncio.sleep_ms alone, which allocates nothing.
"""

import asyncio

from micropython import const

from .client import NO_CONNECTION, PENDING
from .client.rtu import RTUClient
from .client.tcp import TCPClient

_REST_MS = const(5)  # the longest sleep,
_MOST_ROUNDS = const(5 << 6)  # which is reached after so many rounds in which nothing came
_IDENTIFICATION = const(43)


def _rest_ms(nap_ms, rounds):
    """How long to sleep, nap_ms at most, after so many rounds in which nothing came.

    Nobody wakes us, so it grows with the time that has passed. At rest it is never 0.
    """
    return min(max(nap_ms, 1), rounds >> 6, _REST_MS)


async def serve(*drivers):
    """Serve with all these drivers until one is shut down, or the task is cancelled.

    What is being sent when that happens leaves first: no direction pin stays at transmit.
    """
    for driver in drivers:
        driver.stopping = False
    rounds = 0
    try:
        while True:
            done = 0
            nap_ms = _REST_MS
            for driver in drivers:
                if driver.stopping:
                    return
                done += driver.poll()
                nap_ms = min(nap_ms, driver.nap_ms())
            rounds = 0 if done else min(rounds + 1, _MOST_ROUNDS)
            await asyncio.sleep_ms(_rest_ms(nap_ms, rounds))
    finally:
        from .loop import settle

        settle(drivers)


class _Async:
    """The calls of a Client as coroutines. Tasks may share one: their calls queue in order."""

    def _share(self):
        self._queue = []  # the tickets of the calls that wait; the first one is under way
        self._ticket = 0

    async def _call(
        self, code, slave_id, address, quantity, values=None, into=None, signed=None, extra=0
    ):
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
                        await asyncio.sleep_ms(_rest_ms(self.nap_ms(), rounds))
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


class AsyncTCPClient(_Async, TCPClient):
    """umb.client.tcp.TCPClient with calls to be awaited."""

    def __init__(self, address, **keywords):
        TCPClient.__init__(self, address, **keywords)
        self._share()


class AsyncRTUClient(_Async, RTUClient):
    """umb.client.rtu.RTUClient with calls to be awaited."""

    def __init__(self, uart, **keywords):
        RTUClient.__init__(self, uart, **keywords)
        self._share()
