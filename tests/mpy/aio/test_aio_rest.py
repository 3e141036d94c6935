"""aio.serve(): how soon it answers, how rarely it looks while nothing comes, who else may run."""

from support.serve import beside, line, listen, replies  # comes first, see there

import asyncio

from support.loop import clock, core
from support.pdu import request, write_registers
from support.rtu import OURS, frame

from umb.aio import AsyncTCPClient
from umb.server import Server
from umb.store import Store


def test_a_request_is_answered_soon_after_a_long_rest():
    """At t3.5, and as much later as it sleeps and others take the processor."""
    for baudrate, hog_us in ((9600, 0), (19200, 0), (115200, 0), (19200, 1500), (115200, 1500)):
        bench = line(baudrate)

        async def main(bench=bench):
            for n in range(10):
                await asyncio.sleep_ms(300 + n)
                bench.hear(frame(OURS, request(3, 0, 1)))
                await replies(bench, n + 1)

        beside(main, bench.rtu, hog_us=hog_us)
        bench.keeps_its_promises()
        most_us = bench.t35_us + 2000 + hog_us
        for (begin_ns, _, _), (_, heard_us) in zip(bench.transmissions(), bench.heard):
            waited_us = begin_ns // 1000 - heard_us
            assert bench.t35_us <= waited_us < most_us, (baudrate, waited_us)


def test_the_driver_that_must_look_first_decides():
    """A TCPServer may rest for 5 ms; a line beside it is looked at every millisecond."""
    for order in (0, 1):
        bench = line(19200)
        tcp, _ = listen(bench.rtu.server)

        async def main(bench=bench):
            for n in range(20):
                await asyncio.sleep_ms(1000 + n)
                bench.hear(frame(OURS, request(3, 0, 1)))
                await replies(bench, n + 1)

        drivers = (tcp, bench.rtu) if order else (bench.rtu, tcp)
        beside(main, *drivers)
        tcp.server_close()
        for (begin_ns, _, _), (_, heard_us) in zip(bench.transmissions(), bench.heard):
            assert begin_ns // 1000 - heard_us < bench.t35_us + 2000


def rounds_of(seconds, *drivers):
    """How often serve() looks at its drivers in so many seconds at rest."""
    count = 0
    first_poll = drivers[0].poll

    def poll():
        nonlocal count
        count += 1
        return first_poll()

    async def main():
        nonlocal count
        await asyncio.sleep_ms(1500)
        count = 0
        await asyncio.sleep_ms(seconds * 1000)

    drivers[0].poll = poll
    beside(main, *drivers)
    return count


def test_at_rest_it_sleeps():
    for baudrate in (9600, 115200):
        assert rounds_of(3, line(baudrate).rtu) < 3300, "a millisecond each"
    tcp, _ = listen(None)
    assert rounds_of(3, tcp) < 700, "5 ms each"
    tcp.server_close()


def test_other_tasks_get_their_turns_while_requests_come():
    bench = line(115200)
    turns = 0

    async def other():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep_ms(0)

    async def main():
        task = asyncio.create_task(other())
        for n in range(20):
            bench.hear(frame(OURS, write_registers(0, [n] * 20)))
            await replies(bench, n + 1)
        task.cancel()

    beside(main, bench.rtu)
    assert turns > 500, turns
    assert core.cur_task is None


def test_requests_one_after_another_wake_it_up():
    """One that follows at once finds it awake: served like the first one."""
    tcp, port = listen(Server(Store(holding_registers=5), (1,)))
    client = AsyncTCPClient(("127.0.0.1", port))

    async def main():
        await asyncio.sleep_ms(1000)
        await client.read_holding_registers(1, 0, 1)
        begin_us = clock.now_us()
        for _ in range(100):
            await client.read_holding_registers(1, 0, 1)
        client.close()
        return clock.now_us() - begin_us

    took_us = beside(main, tcp)
    tcp.server_close()
    assert took_us < 100_000, took_us
    assert tcp.counters.server_message_count == 101
