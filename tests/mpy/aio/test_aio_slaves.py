"""Slaves and pauses under asyncio: awaited calls, tasks that keep the pauses of one line."""

from support.loop import clock, run  # comes first: asyncio by the clock of support.uart

import asyncio

from support.late import LateBus, always
from support.tasks import outcome, values
from support.umb import raises

from umb.aio import AsyncRTUClient
from umb.aio.slave import AsyncSlave
from umb.errors import NoConnectionError, NoReplyError

_REQUEST, _REPLY = 8, 7  # bytes


def client_on(bus, **options):
    return AsyncRTUClient(bus, baudrate=115200, parity=0, de=bus.pin, **options)


def gaps_ms(bus):
    """The silence before each request but the first, in ms; replies come 3 ms after requests."""
    size_us = bus.chars_ns(_REQUEST + _REPLY) // 1000
    times = bus.times_us
    return [(times[i + 1] - times[i] - size_us) / 1000 - 3 for i in range(len(times) - 1)]


def test_calls_are_awaited():
    bus = LateBus(always(3000))
    meter = client_on(bus).slave(7, timeout_ms=50, retries=1)
    assert isinstance(meter, AsyncSlave)

    async def main():
        assert await meter.read_holding_registers(16, 3) == values(7, 16, 3)
        assert await meter.write_single_register(16, 3) == 3
        into = [0] * 3
        assert await meter.read_input_registers(16, 3, into) == 3 and into == values(7, 16, 3)

    run(main())
    assert (meter.requests, meter.answers) == (3, 3)
    assert 3 <= meter.last_ms <= meter.longest_ms < 10
    bus.is_clean()


def test_settings_and_counters():
    bus = LateBus(always(None))
    client = client_on(bus)
    meter = client.slave(7, timeout_ms=30, retries=2)

    async def main():
        before_us = clock.now_us()
        error = await outcome(meter.read_holding_registers(16, 3))
        assert isinstance(error, NoReplyError)
        assert str(error).endswith("within 30 ms, 3 times"), error
        return clock.now_us() - before_us

    assert 90_000 <= run(main()) < 90_000 + 3 * 20_000
    assert (meter.requests, meter.time_outs) == (3, 3)
    raises(ValueError, client.slave, 256)


def test_tasks_keep_the_pause_of_the_line():
    for pause_ms in (5, 40, 150):
        bus = LateBus(always(3000))
        client = client_on(bus, pause_ms=pause_ms)

        async def ask(slave_id, client=client):
            for i in range(3):
                assert await client.read_holding_registers(slave_id, i, 1) == values(
                    slave_id, i, 1
                )

        async def main(ask=ask):
            await asyncio.gather(ask(5), ask(7), ask(9))

        run(main())
        found = gaps_ms(bus)
        assert len(found) == 8 and pause_ms <= min(found) <= max(found) < pause_ms + 8, found
        bus.is_clean()


def test_tasks_keep_the_pauses_of_slaves():
    bus = LateBus(always(3000))
    client = client_on(bus)
    meter = client.slave(7, pause_ms=60)

    async def one():
        for i in range(3):
            assert await meter.read_holding_registers(i, 1) == values(7, i, 1)

    async def other():
        for i in range(3):
            assert await client.read_holding_registers(7, i, 1) == values(7, i, 1)

    async def main():
        await asyncio.gather(one(), other())

    run(main())
    found = gaps_ms(bus)
    assert len(found) == 5 and 60 <= min(found) <= max(found) < 68, found
    assert meter.requests == 3


def test_cancelled_and_closed_in_a_pause():
    """At every moment; the pause goes on, and so does the line."""
    for after_ms in range(0, 70, 5):
        for end in ("cancel", "close"):
            bus = LateBus(always(3000))
            client = client_on(bus, pause_ms=50)

            async def main(client=client, after_ms=after_ms, end=end):
                await client.read_holding_registers(5, 0, 1)
                task = asyncio.create_task(outcome(client.read_holding_registers(5, 1, 1)))
                await asyncio.sleep_ms(after_ms)
                if end == "cancel":
                    task.cancel()
                else:
                    client.close()
                got = await task
                done = got == values(5, 1, 1)
                wanted = asyncio.CancelledError if end == "cancel" else NoConnectionError
                assert done or isinstance(got, wanted), (after_ms, end, got)
                assert not done or after_ms > 45 or (end == "close" and not after_ms)
                assert await client.read_holding_registers(5, 2, 1) == values(5, 2, 1)

            run(main())
            assert min(gaps_ms(bus)) >= 50, (after_ms, end, gaps_ms(bus))
            bus.is_clean()
