"""aio.serve(): drivers of all kinds in one task, beside others; its end; the direction pin."""

from support.serve import beside, line, listen, replies  # comes first, see there

import asyncio

from support.loop import clock, run
from support.pdu import request
from support.rtu import OURS, frame
from support.tasks import outcome
from support.umb import raises

from umb.aio import AsyncTCPClient, serve
from umb.server import Driver, Server
from umb.store import Store


# --- the direction pin


def test_the_direction_pin_while_other_tasks_run():
    """Up to 1.5 ms at a time are theirs; replies within hold_ms and beyond."""
    for baudrate in (4800, 9600, 19200, 115200):
        for hog_us in (0, 300, 1500):
            bench = line(baudrate)

            async def main(bench=bench):
                for n, quantity in enumerate((1, 10, 100)):
                    bench.hear(frame(OURS, request(3, 0, quantity)))
                    await replies(bench, n + 1)

            beside(main, bench.rtu, hog_us=hog_us)
            assert [len(reply) for reply in bench.replies()] == [7, 25, 205], baudrate
            bench.keeps_its_promises()


def cancelled_after(after_us, quantity=60):
    """Cancel serve() so long after a request has come. Returns the Bench."""
    bench = line(19200)

    async def main():
        task = asyncio.create_task(serve(bench.rtu))
        await asyncio.sleep_ms(500)  # it has gone to rest
        end_us = bench.hear(frame(OURS, request(3, 0, quantity)))
        while clock.now_us() < end_us + after_us:
            await asyncio.sleep_ms(1)
        task.cancel()
        assert isinstance(await outcome(task), asyncio.CancelledError)
        assert bench.pin.level() == 0, "the pin is at transmit"

    run(main())
    return bench


def test_cancelled_while_a_reply_leaves():
    """125 characters take 72 ms, beyond hold_ms: the reply leaves whole, then the pin falls."""
    for after_us in (4000, 10_000, 40_000, 70_000):
        bench = cancelled_after(after_us)
        assert [len(reply) for reply in bench.replies()] == [125]
        bench.keeps_its_promises()


def test_cancelled_at_any_time():
    for after_us in range(-5000, 6000, 500):
        bench = cancelled_after(after_us, quantity=1)
        assert len(bench.replies()) <= 1
        bench.keeps_its_promises()


def test_served_again_after_a_cancellation():
    for after_us in (-3000, 1000, 10_000, 40_000):
        bench = cancelled_after(after_us)

        async def main(bench=bench):
            await asyncio.sleep_ms(100)
            before = len(bench.replies())
            bench.hear(frame(OURS, request(6, 1, 2)))
            await replies(bench, before + 1)

        beside(main, bench.rtu)
        assert bench.replies()[-1] == frame(OURS, request(6, 1, 2))
        bench.keeps_its_promises()


# --- several drivers, and their end


def test_several_drivers_in_one_task():
    bench = line()
    tcp, port = listen(bench.rtu.server)
    other, other_port = listen(Server(Store(holding_registers=5), (7,)))
    client = AsyncTCPClient(("127.0.0.1", port))
    other_client = AsyncTCPClient(("127.0.0.1", other_port))

    async def main():
        for i in range(10):
            bench.hear(frame(OURS, request(6, 3, i)))
            await replies(bench, i + 1)
            assert await client.read_holding_registers(OURS, 3, 1) == [i]
            assert await other_client.write_single_register(7, 1, i) == i
        client.close()
        other_client.close()

    beside(main, tcp, bench.rtu, other)
    tcp.server_close()
    other.server_close()
    bench.keeps_its_promises()


def test_shutdown_ends_it_and_it_may_begin_again():
    bench = line()
    tcp, _ = listen(bench.rtu.server)

    async def main():
        for n, driver in enumerate((bench.rtu, tcp, bench.rtu)):
            task = asyncio.create_task(serve(tcp, bench.rtu))
            bench.hear(frame(OURS, request(3, 0, 1)))
            await replies(bench, n + 1)
            assert not task.done()
            driver.shutdown()
            await asyncio.wait_for_ms(task, 100)

    run(main())
    tcp.server_close()
    assert len(bench.replies()) == 3
    bench.keeps_its_promises()


def test_shutdown_while_a_reply_leaves():
    bench = line(9600)

    async def main():
        task = asyncio.create_task(serve(bench.rtu))
        end_us = bench.hear(frame(OURS, request(3, 0, 60)))
        while clock.now_us() < end_us + 30_000:
            await asyncio.sleep_ms(1)
        assert bench.pin.level() == 1
        bench.rtu.shutdown()
        await task

    run(main())
    assert [len(reply) for reply in bench.replies()] == [125]
    bench.keeps_its_promises()


class Broken(Driver):
    """Fails when it is polled so often."""

    def __init__(self, after):
        super().__init__(None)
        self._left = after

    def nap_ms(self):
        return 1000

    def finish(self):
        pass

    def poll(self, _wait_ms=0):
        self._left -= 1
        if not self._left:
            raise OSError("lost")
        return 0


def test_a_driver_that_fails_leaves_no_pin_at_transmit():
    bench = line(9600)
    bench.hear(frame(OURS, request(3, 0, 60)))
    assert str(raises(OSError, run, serve(bench.rtu, Broken(200)))) == "lost"
    assert [len(reply) for reply in bench.replies()] == [125]
    bench.keeps_its_promises()


class Unfinished(Broken):
    """Fails when it is to end what it does."""

    def finish(self):
        raise OSError("not finished")


def test_a_driver_that_cannot_finish_leaves_no_pin_at_transmit():
    bench = line(9600)
    bench.hear(frame(OURS, request(3, 0, 60)))
    for drivers in ((Unfinished(200), bench.rtu), (Unfinished(200), bench.rtu, Unfinished(300))):
        assert str(raises(OSError, run, serve(*drivers))) == "not finished"
    assert [len(reply) for reply in bench.replies()] == [125]
    bench.keeps_its_promises()


def test_no_driver_is_an_error():
    assert str(raises(ValueError, run, serve())) == "serve() needs at least one driver"
