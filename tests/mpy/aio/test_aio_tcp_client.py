"""AsyncTCPClient: tasks share a connection, are cancelled, wait in vain, and nobody minds."""

import random
import socket

from support.loop import run  # comes first: asyncio by the clock of support.uart

import asyncio

from support.bus import answer
from support.pdu import request
from support.tasks import Tally, outcome, outcomes, ten_at_random, values
from support.tcp import frame, free_port

from umb.aio import AsyncTCPClient, serve
from umb.errors import NoConnectionError, NoReplyError
from umb.port.sockets import listen
from umb.server import LATER
from umb.server.tcp import TCPServer

_SO_SNDBUF = 7
_SO_RCVBUF = 8


class Late:
    """A handler that answers so many ms later, by delay_ms(); None: never."""

    def __init__(self, delay_ms):
        self.asked = []  # (slave id, first address)
        self._delay_ms = delay_ms
        self._last = None  # the task of the last answer

    def handle(self, adu, n, link):
        self.asked.append((adu[6], adu[8] << 8 | adu[9]))
        delay_ms = self._delay_ms()
        if delay_ms is None:
            return 0
        self._last = asyncio.create_task(self._answer(delay_ms, adu, n, link))
        return LATER

    @staticmethod
    async def _answer(delay_ms, adu, n, link):
        await asyncio.sleep_ms(delay_ms)
        pdu = answer(adu[6], bytes(adu[7 : 7 + n]))
        adu[7 : 7 + len(pdu)] = pdu
        link.answer(len(pdu))


def beside_a_server(main, handler, **options):
    """Run main(client) while a TCPServer with this handler is served."""
    tcp, port = free_port(lambda port: TCPServer(("127.0.0.1", port), handler))
    client = AsyncTCPClient(("127.0.0.1", port), **options)

    async def both():
        server = asyncio.create_task(serve(tcp))
        result = await main(client)
        client.close()
        server.cancel()
        return result

    try:
        return run(both())
    finally:
        tcp.server_close()


def test_calls_queue_in_order():
    late = Late(lambda: 5)

    async def main(client):
        calls = [client.read_holding_registers(1, i, 2) for i in range(20)]
        assert await asyncio.gather(*calls) == [values(1, i, 2) for i in range(20)]
        assert await client.write_single_register(1, 1, 2) == 2

    beside_a_server(main, late)
    assert late.asked == [(1, i) for i in range(20)] + [(1, 1)]


def test_a_time_out_in_one_does_not_disturb_another():
    delays = [5, None, 5, 300, 5, 5]
    late = Late(lambda: delays.pop(0))

    async def main(client):
        return await outcomes([client.read_holding_registers(1, i, 1) for i in range(6)])

    results = beside_a_server(main, late, timeout_ms=200)
    for i, result in enumerate(results):
        if i in (1, 3):
            assert isinstance(result, NoReplyError), i
        else:
            assert result == values(1, i, 1), (i, result)


def test_a_late_answer_is_nobodys():
    delays = [100, 5]
    late = Late(lambda: delays.pop(0))

    async def main(client):
        task = asyncio.create_task(client.read_holding_registers(1, 0, 1))
        await asyncio.sleep_ms(20)
        task.cancel()
        assert isinstance(await outcome(task), asyncio.CancelledError)
        assert await client.read_holding_registers(1, 50, 1) == values(1, 50, 1)

    beside_a_server(main, late)
    assert late.asked == [(1, 0), (1, 50)]


def test_cancelled_while_it_waits_its_turn():
    late = Late(lambda: 20)

    async def main(client):
        tasks = [asyncio.create_task(client.read_holding_registers(1, i, 1)) for i in range(5)]
        await asyncio.sleep_ms(5)
        for i in (1, 3):
            tasks[i].cancel()
        return await outcomes(tasks)

    results = beside_a_server(main, late)
    assert [type(results[i]) is asyncio.CancelledError for i in range(5)] == [0, 1, 0, 1, 0]
    assert late.asked == [(1, 0), (1, 2), (1, 4)]


def test_nobody_listens():
    _, port = free_port(lambda port: listen(("127.0.0.1", port), 1).close())
    client = AsyncTCPClient(("127.0.0.1", port), timeout_ms=100)

    async def main():
        results = await outcomes([client.read_holding_registers(1, i, 1) for i in range(3)])
        assert all(isinstance(result, NoConnectionError) for result in results)

    run(main())


# --- a server by hand


class Peer:
    """A server that does what the test says, byte by byte."""

    def __init__(self, rcvbuf=None):
        def open_at(port):
            listener = listen(("127.0.0.1", port), 1)
            if rcvbuf:
                listener.setsockopt(socket.SOL_SOCKET, _SO_RCVBUF, rcvbuf)
            return listener

        self._listener, port = free_port(open_at)
        self.address = ("127.0.0.1", port)
        self.sock = None

    async def accept(self):
        """Wait for a connection and take it."""
        while True:
            try:
                self.sock = self._listener.accept()[0]
            except OSError:
                await asyncio.sleep_ms(1)
                continue
            self.sock.setblocking(False)
            return

    async def receive(self, n):
        """The next n bytes; fewer where the connection has ended."""
        data = b""
        while len(data) < n:
            more = self.sock.read(n - len(data))
            if more == b"":
                break
            data += more or b""
            await asyncio.sleep_ms(1)
        return data

    def close(self):
        self._listener.close()
        if self.sock is not None:
            self.sock.close()


def test_half_an_answer_and_a_cancellation():
    """The rest of it is not taken for the beginning of the next one."""
    peer = Peer()
    client = AsyncTCPClient(peer.address)

    async def main():
        task = asyncio.create_task(client.read_holding_registers(1, 0, 5))
        await peer.accept()
        first = await peer.receive(12)
        assert first[7:] == request(3, 0, 5)
        reply = frame(answer(1, request(3, 0, 5)), 1, first[0] << 8 | first[1])
        peer.sock.write(reply[:9])
        await asyncio.sleep_ms(20)
        task.cancel()
        await outcome(task)
        peer.sock.write(reply[9:])
        peer.sock.close()
        task = asyncio.create_task(client.read_holding_registers(1, 7, 2))
        await peer.accept()
        second = await peer.receive(12)
        assert second[7:] == request(3, 7, 2)
        peer.sock.write(frame(answer(1, second[7:]), 1, second[0] << 8 | second[1]))
        assert await task == values(1, 7, 2)

    run(main())
    client.close()
    peer.close()


def test_cancelled_while_the_request_is_stuck():
    """What the server gets is whole frames: half of one is never followed by another."""
    peer = Peer(rcvbuf=1)
    client = AsyncTCPClient(peer.address)
    pdu = request(16, 0, 123) + b"\xf6" + b"\xee" * 246

    async def main():
        accepting = asyncio.create_task(peer.accept())
        await client.connect()
        client._sock.setsockopt(socket.SOL_SOCKET, _SO_SNDBUF, 1)
        while True:  # the answers are nobody's business here; the network fills up
            task = asyncio.create_task(client.request(1, pdu))
            await asyncio.sleep_ms(2)
            stuck = 0 < client._stream.size < client._size
            task.cancel()
            await outcome(task)
            if stuck:
                break
        await accepting
        again = asyncio.create_task(outcome(client.request(1, pdu)))
        while True:
            head = await peer.receive(7)
            if len(head) < 7:
                break  # it has closed instead
            assert head[2:] == b"\0\0\0\xfd\1", "garbage: {}".format(head)
            if len(await peer.receive(252)) < 252 or head[0] << 8 | head[1] == client._transaction:
                break
        again.cancel()

    run(main())
    client.close()
    peer.close()


def test_the_server_closes_and_comes_back():
    peer = Peer()
    client = AsyncTCPClient(peer.address, timeout_ms=200)

    async def serve_one():
        await peer.accept()
        asked = await peer.receive(12)
        peer.sock.write(frame(answer(1, asked[7:]), 1, asked[0] << 8 | asked[1]))
        await asyncio.sleep_ms(5)
        peer.sock.close()

    async def main():
        for i in range(3):
            server = asyncio.create_task(serve_one())
            assert await client.read_holding_registers(1, i, 2) == values(1, i, 2)
            await server

    run(main())
    client.close()
    peer.close()


# --- at random


def test_every_answer_belongs_to_its_question():
    """Answers come up to twice as late as calls wait for, or not at all."""
    random.seed(6)
    tally = Tally()

    def delay_ms():
        return None if random.randrange(12) == 0 else random.randrange(60)

    async def main(client):
        await ten_at_random(client, 80, tally)

    # A connection is given up after each time-out, and there is a pause until the next one.
    tally.errors += (NoConnectionError,)
    beside_a_server(main, Late(delay_ms), timeout_ms=30)
    assert tally.total() == 800 and tally.least() > 20
