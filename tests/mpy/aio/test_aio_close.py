"""Clients of a network under asyncio: closed, cancelled and flooded at any time."""

from support.loop import clock, run  # comes first: asyncio by the clock of support.uart

import asyncio

from support.net import HOST, PORT, good, in_turn, is_whole, net, reply_to, silent
from support.tasks import outcome, outcomes

from umb.aio import AsyncTCPClient, AsyncUDPClient
from umb.errors import NoConnectionError, NoReplyError
from umb.frame.rtu_stream import RTUStream

_ACCEPT_MS, _ANSWER_MS = 10, 15


def reads(client, count):
    """So many calls, to be awaited."""
    return [client.read_holding_registers(1, 10 * i, 2) for i in range(count)]


def values(i):
    return [10 * i, 10 * i + 1]


def check(results, kinds=(NoConnectionError,)):
    """Every call returned what it asked for, or raised one of these."""
    for i, result in enumerate(results):
        assert result == values(i) or isinstance(result, kinds), (i, result)


def clients(**options):
    """A client of each kind, on a network that has just been set up."""
    for kind in (AsyncTCPClient, AsyncUDPClient):
        net.reset()
        net.server = good(_ANSWER_MS)
        net.accept_ms = _ACCEPT_MS if kind is AsyncTCPClient else 0
        yield kind((HOST, PORT), timeout_ms=1000, **options)


def test_closed_by_another_task_at_any_time():
    """While it connects, sends, waits for a reply; before the first call, and after the last."""
    for after_ms in range(100):
        for client in clients(retries=0):

            async def main(client=client, after_ms=after_ms):
                calls = outcomes(reads(client, 3))

                async def close():
                    await asyncio.sleep_ms(after_ms)
                    client.close()
                    client.close()

                results, _ = await asyncio.gather(calls, close())
                check(results)
                assert sum(isinstance(result, NoConnectionError) for result in results) <= 1
                assert await client.read_holding_registers(1, 0, 2) == [0, 1]
                client.close()

            run(main())
            assert net.open_socks() == 0


def test_closed_for_good():
    """A call that was closed does not ask again: nothing is open afterwards."""
    for after_ms in range(40):
        for client in clients(retries=3):

            async def main(client=client, after_ms=after_ms):
                task = asyncio.create_task(outcome(client.read_holding_registers(1, 0, 2)))
                await asyncio.sleep_ms(after_ms)
                asked = task.done()
                client.close()
                result = await task
                assert result == [0, 1] if asked else isinstance(result, NoConnectionError)
                assert not client.connected
                assert await client.read_holding_registers(1, 7, 1) == [7]

            run(main())
            assert net.open_socks() == 1


def test_closed_again_and_again():
    for client in clients(retries=0):

        async def main(client=client):
            async def close():
                for i in range(200):
                    client.close()
                    await asyncio.sleep_ms(i % 7)

            results, _ = await asyncio.gather(outcomes(reads(client, 10)), close())
            check(results)
            assert await client.read_holding_registers(1, 0, 2) == [0, 1]

        run(main())


def test_connect_and_context():
    for client in clients():

        async def main(client=client):
            assert not client.connected
            await client.connect()
            assert client.connected and len(net.socks) == 1
            async with client as same:
                assert same is client
                check(await outcomes(reads(client, 3)), ())
            assert not client.connected and net.open_socks() == 0
            net.refuse = 111
            result = await outcome(client.connect())
            assert isinstance(result, NoConnectionError)
            assert str(result).startswith("no connection to 10.0.0.5:502")

        run(main())


def test_connecting_waits_its_turn():
    """connect() and calls of several tasks, in any order, at any time."""
    for after_ms in range(40):
        for client in clients():

            async def main(client=client, after_ms=after_ms):
                calls = outcomes(reads(client, 3))

                async def connect():
                    await asyncio.sleep_ms(after_ms)
                    await client.connect()
                    assert client.connected

                results, _ = await asyncio.gather(calls, connect())
                check(results, ())
                assert len(net.socks) == 1

            run(main())


def test_cancelled_at_any_time():
    for after_ms in range(60):
        for client in clients():

            async def main(client=client, after_ms=after_ms):
                first = asyncio.create_task(outcome(client.read_holding_registers(1, 500, 2)))
                others = asyncio.create_task(outcomes(reads(client, 2)))
                await asyncio.sleep_ms(after_ms)
                first.cancel()
                check(await others, ())

            run(main())


def test_given_up_again_and_again():
    """By callers who wait less long than the client does."""
    for client in clients():
        net.server = in_turn(*[good(200)] * 1, good(_ANSWER_MS))

        async def main(client=client):
            for i in range(5):
                call = client.read_holding_registers(1, 10 * i, 2)
                try:
                    assert await asyncio.wait_for_ms(call, 50) == values(i)
                except asyncio.TimeoutError:
                    pass
            net.server = good(_ANSWER_MS)
            assert await client.read_holding_registers(1, 7, 1) == [7]

        run(main())


def test_a_flood_leaves_time_to_others():
    """Whatever comes without end: other tasks run, and the time-out is kept."""
    for options in ({}, {"framer": RTUStream}):
        net.reset()

        def flooding(sock, data):
            sock.flood = b"\x77\x77\0\0\0\3\1\x83\2" * 100
            return bool(data)

        net.server = flooding
        client = AsyncTCPClient((HOST, PORT), timeout_ms=200, **options)

        async def main(client=client):
            turns = 0

            async def other():
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep_ms(1)

            task = asyncio.create_task(other())
            before_ms = clock.now_ns // 1_000_000
            await outcome(client.read_holding_registers(1, 0, 1))
            took_ms = clock.now_ns // 1_000_000 - before_ms
            task.cancel()
            assert 200 <= took_ms < 300 and turns > 10, (took_ms, turns)

        run(main())


class Deaf:
    """A server that answers every second request, and counts them."""

    def __init__(self):
        self.count = 0

    def __call__(self, sock, data):
        if is_whole(data):
            self.count += 1
            if self.count % 2 == 0:
                sock.say(5, reply_to(data))
        return is_whole(data)


def test_time_outs_and_back_off_let_others_run():
    net.reset()
    net.server = silent
    client = AsyncTCPClient((HOST, PORT), timeout_ms=100, retries=1)

    async def main():
        results = await outcomes(reads(client, 3))
        assert all(isinstance(result, NoReplyError) for result in results)
        net.server = Deaf()
        check(await outcomes(reads(client, 3)), ())

    run(main())
