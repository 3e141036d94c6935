"""AsyncRTUClient and late replies: tasks that share a line get their own values, or errors."""

from support.loop import clock, run  # comes first: asyncio by the clock of support.uart
from support import spread

import random

import asyncio

from support.late import TIMEOUT_MS, LateBus, always, once
from support.tasks import Tally, ask_at_random, outcome, values

from umb.aio import AsyncRTUClient
from umb.errors import ModbusError

_WIDTH_MS = 3 * TIMEOUT_MS


def client_on(bus, retries=0, timeout_ms=TIMEOUT_MS):
    return AsyncRTUClient(
        bus, baudrate=115200, parity=0, de=bus.pin, timeout_ms=timeout_ms, retries=retries
    )


async def ask(client, slave_id, first, calls, came):
    """Ask for one register after another; note which of them came. They must be the right ones."""
    for i in range(first, first + calls):
        got = await outcome(client.read_holding_registers(slave_id, i, 1))
        assert isinstance(got, ModbusError) or got == values(slave_id, i, 1), (slave_id, i, got)
        came.append(got == values(slave_id, i, 1))


def asked_by_tasks(script, retries, *slave_ids):
    """What becomes of the calls of several tasks, a slave for each."""
    bus = LateBus(script)
    client = client_on(bus, retries)
    came = [[] for _ in slave_ids]

    async def main():
        tasks = []
        for i in range(len(slave_ids)):
            tasks.append(ask(client, slave_ids[i], 100 * i, 4, came[i]))
        await asyncio.gather(*tasks)

    run(main())
    bus.is_clean()
    return came


def test_one_reply_of_many_is_late():
    def script(_slave_id, number):
        return 530_000 if number == 1 else 30_000

    client = client_on(LateBus(script), 2, 500)

    async def task(first):
        for i in range(first, first + 9):
            assert await client.read_holding_registers(7, i, 1) == values(7, i, 1)

    async def main():
        await asyncio.gather(task(0), task(100))

    run(main())


def test_slaves_that_are_late_once_or_always():
    for delay_ms in spread(range(_WIDTH_MS), 5):
        for retries in range(4):
            us = delay_ms * 1000
            for slave_ids in ((5, 5), (5, 7, 7)):
                for script in (always(us), once(1, us)):
                    came = asked_by_tasks(script, retries, *slave_ids)
                    assert delay_ms > TIMEOUT_MS - 2 or all(all(some) for some in came)


def test_cancelled_calls():
    """At every moment; what they asked for is not given to the next one."""
    for delay_ms in spread(range(_WIDTH_MS), 7):
        for cancelled_ms in spread(range(70), 12):
            bus = LateBus(always(delay_ms * 1000))
            client = client_on(bus)

            async def main(client=client, cancelled_ms=cancelled_ms):
                task = asyncio.create_task(client.read_holding_registers(5, 100, 1))
                await asyncio.sleep_ms(cancelled_ms)
                task.cancel()
                await outcome(task)
                for slave_id in (5, 7, 5):
                    await ask(client, slave_id, slave_id, 1, [])

            run(main())
            bus.is_clean()


def test_every_answer_belongs_to_its_question():
    for seed in spread(range(8), 3):
        random.seed(seed)
        bus = LateBus(lambda *_: random.randrange(60_000 if random.randrange(3) else 12_000))
        client = client_on(bus, seed % 3)
        tally = Tally()

        async def main(client=client, tally=tally):
            await asyncio.gather(*[ask_at_random(client, i, 30, tally) for i in range(6)])

        run(main())
        assert tally.total() == 180 and tally.answered > 10, tally.answered
        bus.is_clean()


def test_an_absent_slave_costs_one_time_out():
    bus = LateBus(lambda slave_id, _: None if slave_id == 9 else 3000)
    client = client_on(bus)

    async def main():
        began_us = clock.now_us()
        await asyncio.gather(ask(client, 9, 0, 5, []), ask(client, 5, 0, 5, []))
        return clock.now_us() - began_us

    assert run(main()) < 5 * (TIMEOUT_MS + 13 + 10) * 1000
