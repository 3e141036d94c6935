"""AsyncRTUClient: tasks share a line, are cancelled, wait in vain, and none of them minds."""

import random

from support import times

from support.loop import clock, run  # comes first: asyncio by the clock of support.uart

import asyncio

from support.bus import Bus, answer
from support.pdu import request
from support.rtu import frame
from support.tasks import Tally, outcome, outcomes, ten_at_random, values

from umb.aio import AsyncRTUClient
from umb.errors import BadReplyError, IllegalFunctionError, NoConnectionError, NoReplyError

_MASK_WRITE = 22


def client_on(bus, timeout_ms=50, **options):
    de = bus.pin
    return AsyncRTUClient(bus, baudrate=115200, parity=0, de=de, timeout_ms=timeout_ms, **options)


# --- in turn


def test_a_call_is_awaited():
    bus = Bus()
    client = client_on(bus)

    async def main():
        assert await client.read_holding_registers(7, 100, 3) == values(7, 100, 3)
        into = [0] * 3
        assert await client.read_input_registers(7, 100, 3, into) == 3
        assert into == values(7, 100, 3)
        assert await client.write_single_register(7, 1, 2) == 2
        assert await client.write_multiple_registers(7, 1, [1, 2, 3]) == 3
        assert await client.write_single_coil(7, 1, 1) == 1
        assert await client.write_multiple_coils(7, 1, [1, 0, 1]) == 3
        assert await client.request(7, b"\x06\0\1\0\2") == b"\x06\0\1\0\2"
        assert await client.write_single_register(0, 1, 2) is None
        error = await outcome(client.mask_write_register(7, 1, 2, 3))
        assert isinstance(error, IllegalFunctionError)

    run(main())
    assert bus.asked[-1] == (7, request(_MASK_WRITE, 1, 2, 3))
    bus.is_clean()


def test_async_with():
    bus = Bus()

    async def main():
        async with client_on(bus) as client:
            assert client.connected and await client.connect() is None
            assert await client.read_holding_registers(7, 1, 1) == values(7, 1, 1)
        assert not client.connected
        assert await client.read_holding_registers(7, 2, 1) == values(7, 2, 1)
        assert len(client._spare) == 1 and client._queue == []

    run(main())
    bus.is_clean()


def test_requests_are_kept_for_the_next_calls():
    """As many as tasks have asked at a time."""
    bus = Bus(absent=(9,))
    client = client_on(bus)

    async def main():
        for _ in range(3):
            await outcomes([client.read_holding_registers(7 + i % 3, i, 1) for i in range(5)])
            task = asyncio.create_task(client.read_holding_registers(9, 1, 1))
            await asyncio.sleep_ms(5)
            task.cancel()
            await outcome(task)
        assert len(client._spare) == 5

    run(main())


def test_a_wrong_argument_is_an_error_and_nothing_is_sent():
    bus = Bus()
    client = client_on(bus)

    async def main():
        for call in (
            client.read_holding_registers(256, 0, 1),
            client.read_holding_registers(1, 0, 126),
            client.read_holding_registers(0, 0, 1),
            client.write_single_register(1, 0, 65536),
        ):
            try:
                await call
            except ValueError:
                continue
            raise AssertionError("no ValueError")
        assert await client.read_holding_registers(1, 0, 1) == values(1, 0, 1)

    run(main())
    assert len(bus.asked) == 1


def test_calls_queue_in_order():
    bus = Bus()
    client = client_on(bus)

    async def main():
        calls = [client.read_holding_registers(1, i, 2) for i in range(20)]
        assert await asyncio.gather(*calls) == [values(1, i, 2) for i in range(20)]

    run(main())
    assert bus.asked == [(1, request(3, i, 2)) for i in range(20)]
    bus.is_clean()


def test_bytes_are_written_after_the_turn_is_taken():
    """A long request waits while a short one is under way: neither spoils the other's bytes."""
    bus = Bus()
    bus.delay_us = 5000
    client = client_on(bus)

    async def main():
        first = asyncio.create_task(client.read_holding_registers(1, 5, 125))
        await asyncio.sleep_ms(2)
        second = asyncio.create_task(client.write_multiple_registers(2, 0, [0xFFFF] * 123))
        await asyncio.sleep_ms(2)
        assert [slave_id for slave_id, _ in bus.asked] == [1], "the second one did not wait"
        assert await first == values(1, 5, 125)
        assert await second == 123

    run(main())
    assert bus.asked[1][1][6:] == b"\xff" * 246


def test_a_broadcast_keeps_the_others_waiting_for_the_turnaround():
    bus = Bus()
    client = client_on(bus, turnaround_ms=80)

    async def main():
        await asyncio.gather(
            client.write_single_register(0, 1, 2), client.read_holding_registers(1, 0, 1)
        )

    run(main())
    assert bus.times_us[1] - bus.times_us[0] >= 80_000
    bus.is_clean()


# --- time-outs


def test_a_time_out_in_one_does_not_disturb_another():
    bus = Bus(absent=(9,))
    client = client_on(bus)

    async def main():
        results = await outcomes(
            [client.read_holding_registers(9 if i % 3 else 1, i, 1) for i in range(9)]
        )
        for i, result in enumerate(results):
            if i % 3:
                assert isinstance(result, NoReplyError)
            else:
                assert result == values(1, i, 1)

    run(main())
    bus.is_clean()


def test_each_call_has_its_time_from_the_end_of_its_request():
    bus = Bus(absent=(9,))
    client = client_on(bus, timeout_ms=50)
    took_us = []

    async def ask():
        start_us = clock.now_us()
        assert isinstance(await outcome(client.read_holding_registers(9, 0, 1)), NoReplyError)
        took_us.append(clock.now_us() - start_us)

    async def main():
        await asyncio.gather(*[ask() for _ in range(4)])

    run(main())
    for i in range(4):
        assert 50_000 * (i + 1) <= took_us[i] <= 65_000 * (i + 1), took_us


def test_retries():
    good = frame(1, answer(1, request(3, 0, 2)))
    garbled = good[:-1] + b"\0"
    script = [None, (500, garbled), (500, good)]
    bus = Bus(replies=lambda _slave_id, _pdu: script.pop(0))
    client = client_on(bus, retries=2)

    async def main():
        assert await client.read_holding_registers(1, 0, 2) == values(1, 0, 2)
        script.extend([None, None, (500, garbled)])
        error = await outcome(client.read_holding_registers(1, 0, 2))
        assert isinstance(error, BadReplyError)

    run(main())
    assert len(bus.asked) == 6
    bus.is_clean()


def test_a_line_that_fails():
    """It is NoConnectionError for one call, and nothing to the next."""
    for method in ("any", "readinto", "write", "txdone"):
        bus = Bus()
        client = client_on(bus)

        async def main(bus=bus, client=client, method=method):
            task = asyncio.create_task(outcome(client.read_holding_registers(1, 0, 1)))
            await asyncio.sleep_ms(0)
            bus.fail_in = method
            error = await task
            assert isinstance(error, NoConnectionError), (method, error)
            await asyncio.sleep_ms(20)
            assert await client.read_holding_registers(1, 5, 2) == values(1, 5, 2)

        run(main())
        assert bus.pin.level == 0


# --- beside other tasks


def test_the_direction_pin_while_other_tasks_are_slow():
    """Up to 2 ms at a time are theirs."""
    for hog_us in (100, 700, 1500):
        bus = Bus()
        client = client_on(bus)
        run(beside_hogs(client, hog_us))
        assert bus.pin.pulses == 20
        bus.is_clean()


async def beside_hogs(client, hog_us):
    async def hog():
        while True:
            clock.now_ns += hog_us * 1000
            await asyncio.sleep_ms(0)

    other = asyncio.create_task(hog())
    for i in range(20):
        quantity = 1 + i * 6
        assert await client.write_multiple_registers(1, i, [i] * quantity) == quantity
    other.cancel()


# --- at random


class Mood:
    """Slaves that take up to 25 ms, and at times say nothing, or garbage."""

    def __init__(self, seed):
        random.seed(seed)
        self.silent = self.garbled = 0
        self.asked = bytearray(2000)  # how often for each call

    def replies(self, slave_id, pdu):
        self.asked[pdu[1] << 8 | pdu[2]] += 1
        mood = random.randrange(20)
        data = frame(slave_id, answer(slave_id, pdu))
        if mood == 0:
            self.silent += 1
            return None
        if mood == 1:
            self.garbled += 1
            data = data[:-2] + bytes((data[-2] ^ 0x55, data[-1]))
        return random.randrange(300, 25_000), data


def test_every_answer_belongs_to_its_question():
    """Ten tasks, 600 calls; 2000 with --long."""
    each = times(200, 60)
    mood, tally = Mood(6), Tally()
    bus = Bus(replies=mood.replies)
    client = client_on(bus, timeout_ms=30)

    run(ten_at_random(client, each, tally))
    assert tally.total() == 10 * each and tally.least() > each // 4
    assert tally.failed <= mood.silent + mood.garbled
    assert tally.doubtful < 20, tally.doubtful
    assert max(mood.asked) == 1
    waited = tally.answered + tally.failed
    assert waited < sum(mood.asked) < 10 * each, "calls are cancelled before and after they begin"
    bus.is_clean()
