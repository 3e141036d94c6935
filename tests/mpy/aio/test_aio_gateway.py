"""A Gateway in one task with its TCPServer, beside clients, on a line of known times."""

from support.loop import clock, hog, run  # comes first: asyncio by the clock of support.uart

import asyncio

from support.bus import Bus
from support.tasks import outcome, ten_at_random, Tally, values
from support.tcp import free_port

from umb.aio import AsyncTCPClient, serve
from umb.client.rtu import RTUClient
from umb.errors import GatewayTargetDeviceFailedToRespondError
from umb.gateway import Gateway
from umb.server import Server
from umb.server.tcp import TCPServer
from umb.store import Store

ABSENT, LOCAL = 9, 100
_TIMEOUT_MS = 100


class Stage:
    """`with Stage() as stage`: a gateway to one line, and clients of it."""

    def __init__(self, baudrate=19200, replies=None, **options):
        self.bus = Bus(baudrate, absent=(ABSENT,), replies=replies)
        de = self.bus.pin
        line = RTUClient(self.bus, baudrate=baudrate, parity=0, de=de, timeout_ms=_TIMEOUT_MS)
        local = Server(Store(holding_registers=10), (LOCAL,))
        self.gateway = Gateway(line, local=local, **options)
        self.tcp, self._port = free_port(
            lambda port: TCPServer(("127.0.0.1", port), self.gateway, max_clients=10)
        )
        self._clients = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self._clients:
            client.close()
        self.tcp.server_close()

    def client(self, timeout_ms=2000):
        client = AsyncTCPClient(("127.0.0.1", self._port), timeout_ms=timeout_ms)
        self._clients.append(client)
        return client

    def run(self, *mains, hog_us=0):
        """Run these side by side while the gateway is served."""

        async def all_of_them():
            tasks = [asyncio.create_task(serve(self.tcp, self.gateway))]
            if hog_us:
                tasks.append(asyncio.create_task(hog(hog_us)))
            await asyncio.gather(*mains)
            for task in tasks:
                task.cancel()
            assert isinstance(await outcome(tasks[0]), asyncio.CancelledError)

        run(all_of_them())
        self.bus.is_clean()


async def ask(client, slave_id, calls, took_us=None):
    """Make so many calls one after another; note how long each takes."""
    for i in range(calls):
        begin_us = clock.now_us()
        assert await client.read_holding_registers(slave_id, i, 2) == values(slave_id, i, 2)
        if took_us is not None:
            took_us.append(clock.now_us() - begin_us)


async def ask_in_vain(client, calls):
    for _ in range(calls):
        error = await outcome(client.read_holding_registers(ABSENT, 0, 1))
        assert isinstance(error, GatewayTargetDeviceFailedToRespondError)


def test_throughput_is_the_lines():
    """Four clients; what asyncio and the network add lies in the silence between the frames."""
    for baudrate in (19200, 115200):
        with Stage(baudrate) as stage:
            stage.bus.delay_us = 3000
            begin_us = clock.now_us()
            stage.run(*[ask(stage.client(), 1 + i, 25) for i in range(4)])
            took_us = clock.now_us() - begin_us
            t35_us = 1750 if baudrate > 19200 else 2005
            ideal_us = 100 * (stage.bus.chars_ns(8 + 9) // 1000 + 3000 + t35_us)
            assert ideal_us * 0.98 < took_us < ideal_us * 1.2, (took_us, ideal_us)


def test_nobody_waits_for_more_than_one_time_out_of_another():
    with Stage() as stage:
        took_us = []
        clients = [ask(stage.client(), 1 + i, 10, took_us) for i in range(3)]
        stage.run(ask_in_vain(stage.client(), 10), *clients)
        assert len(took_us) == 30
        assert max(took_us) < 1.6 * _TIMEOUT_MS * 1000, max(took_us)


def test_local_ids_are_answered_while_the_line_is_busy():
    with Stage() as stage:
        took_us = []

        async def ask_here():
            client = stage.client()
            await asyncio.sleep_ms(20)
            for i in range(50):
                begin_us = clock.now_us()
                assert await client.write_single_register(LOCAL, 0, i) == i
                took_us.append(clock.now_us() - begin_us)

        stage.run(ask_in_vain(stage.client(), 2), ask_here())
        assert max(took_us) < 10_000, "5 ms, and as much until the client looks again"


def test_the_direction_pin_while_other_tasks_run():
    for hog_us in (300, 1500):
        with Stage() as stage:
            stage.run(*[ask(stage.client(), 1 + i, 5) for i in range(2)], hog_us=hog_us)
            assert stage.bus.pin.pulses == 10


def test_cancelled_while_it_sends():
    """The client hears that nobody answered; the frame leaves whole, and the pin falls."""
    with Stage() as stage:
        client = stage.client()

        async def main():
            task = asyncio.create_task(serve(stage.tcp, stage.gateway))
            call = asyncio.create_task(client.write_multiple_registers(1, 0, [7] * 100))
            while stage.bus.pin.level == 0:
                await asyncio.sleep_ms(1)
            await asyncio.sleep_ms(30)
            assert stage.bus.pin.level == 1
            task.cancel()
            await outcome(task)
            assert stage.bus.pin.level == 0
            assert isinstance(await outcome(call), GatewayTargetDeviceFailedToRespondError)

        run(main())
        stage.bus.is_clean()
        stage.run(ask(client, 2, 1))


def test_clients_at_random():
    """Ten tasks on each of two clients that give up early."""
    with Stage(115200, max_wait_ms=40) as stage:
        first, second = Tally(), Tally()
        stage.run(
            ten_at_random(stage.client(60), 20, first),
            ten_at_random(stage.client(60), 20, second),
        )
        assert first.total() == second.total() == 200
        assert first.answered > 100 and second.answered > 100
