"""AsyncRTUClient: a call that is cancelled leaves the line clean, and the pin at receive."""

from support.loop import clock, run  # comes first: asyncio by the clock of support.uart

import asyncio

from support.bus import Bus
from support.pdu import request
from support.tasks import outcome, values

from umb.aio import AsyncRTUClient
from umb.errors import NoConnectionError


def client_on(bus, timeout_ms=50, **options):
    de = bus.pin
    return AsyncRTUClient(bus, baudrate=115200, parity=0, de=de, timeout_ms=timeout_ms, **options)


def cancelled_after(delay_ms, **line):
    """Cancel a call so much later, then ask another slave: how long did that one take?"""
    bus = Bus(**line)
    bus.delay_us = 20_000
    client = client_on(bus)

    async def main():
        task = asyncio.create_task(client.write_multiple_registers(1, 0, [7] * 100))
        await asyncio.sleep_ms(delay_ms)
        assert not task.done()
        task.cancel()
        assert isinstance(await outcome(task), asyncio.CancelledError)
        bus.is_clean()
        start_us = clock.now_us()
        assert await client.read_holding_registers(2, 0, 5) == values(2, 0, 5)
        return clock.now_us() - start_us

    took_us = run(main())
    assert [slave_id for slave_id, _ in bus.asked][-1] == 2
    bus.is_clean()
    return took_us


def test_cancelled_while_it_sends():
    """The frame of 209 characters takes 20 ms: it leaves whole, and its answer is waited for."""
    for delay_ms in (3, 10, 19):
        assert cancelled_after(delay_ms) < 50_000


def test_cancelled_while_it_waits_for_the_answer():
    for delay_ms in (22, 30, 40):
        assert cancelled_after(delay_ms) < 50_000


def test_cancelled_before_the_answer_of_nobody():
    """Nothing comes: the next call waits as long as something might."""
    assert 20_000 < cancelled_after(30, absent=(1,)) < 80_000


def test_cancelled_while_its_echo_comes_back():
    """The echo is not the answer that the next call has to wait for."""
    for delay_ms in (2, 10, 22):
        bus = Bus(echo=True, txdone="true")
        bus.exact_times = False  # as a USB adapter: it sends while we do something else
        bus.delay_us = 15_000
        client = AsyncRTUClient(bus, baudrate=115200, parity=0, echo=True, timeout_ms=50)

        async def main(client=client, delay_ms=delay_ms):
            task = asyncio.create_task(client.write_multiple_registers(1, 0, [7] * 100))
            await asyncio.sleep_ms(delay_ms)
            task.cancel()
            await outcome(task)
            assert await client.write_multiple_registers(1, 500, [7] * 10) == 10

        run(main())
        assert len(bus.asked) == 2


def test_waiting_for_what_may_come_costs_little():
    bus = Bus(absent=(1,))
    client = client_on(bus, timeout_ms=1000)
    advance = client.advance
    looks = 0

    def counted():
        nonlocal looks
        looks += 1
        return advance()

    async def main():
        task = asyncio.create_task(client.read_holding_registers(1, 0, 1))
        await asyncio.sleep_ms(10)
        task.cancel()
        await outcome(task)
        client.advance = counted
        assert await client.read_holding_registers(2, 0, 1) == values(2, 0, 1)

    run(main())
    assert looks < 1100, "a millisecond each"


def test_an_answer_that_has_come_is_not_waited_for():
    bus = Bus()
    client = client_on(bus, timeout_ms=1000)

    async def main():
        task = asyncio.create_task(client.read_holding_registers(1, 0, 1))
        await asyncio.sleep_ms(2)
        task.cancel()
        await outcome(task)
        await asyncio.sleep_ms(20)
        start_us = clock.now_us()
        assert await client.read_holding_registers(2, 0, 1) == values(2, 0, 1)
        return clock.now_us() - start_us

    assert run(main()) < 50_000
    assert len(bus.asked) == 2


def test_cancelled_while_it_waits_its_turn():
    bus = Bus()
    bus.delay_us = 20_000
    client = client_on(bus)

    async def main():
        tasks = [asyncio.create_task(client.read_holding_registers(1, i, 1)) for i in range(5)]
        await asyncio.sleep_ms(5)
        for i in (1, 3):
            tasks[i].cancel()
        for i in range(5):
            result = await outcome(tasks[i])
            if i in (1, 3):
                assert isinstance(result, asyncio.CancelledError)
            else:
                assert result == values(1, i, 1)

    run(main())
    assert bus.asked == [(1, request(3, i, 1)) for i in (0, 2, 4)]
    bus.is_clean()


def test_closed_by_another_task():
    """The call ends with NoConnectionError, whatever it was doing, and the next one works."""
    for after_ms in (0, 1, 5, 15, 25, 40):
        for retries in (0, 2):
            bus = Bus()
            bus.delay_us = 20_000
            client = client_on(bus, retries=retries)

            async def main(client=client, bus=bus, after_ms=after_ms):
                call = client.write_multiple_registers(1, 0, [7] * 100)
                task = asyncio.create_task(outcome(call))
                await asyncio.sleep_ms(after_ms)
                client.close()
                assert bus.pin.level == 0
                error = await task
                assert isinstance(error, NoConnectionError) or after_ms == 0, (after_ms, error)
                assert await client.read_holding_registers(2, 0, 5) == values(2, 0, 5)

            run(main())
            bus.is_clean()
