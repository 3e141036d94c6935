"""A Gateway on a line that the program uses, too: each gets what it has asked for, or an error."""

from support.loop import run  # comes first: asyncio by the clock of support.uart

import asyncio
import random

from support.bus import Bus, answer, value_of
from support.gateway import TIMEOUT_MS, Asker, bench
from support.late import LateBus
from support.pdu import raw, request

from umb.aio import AsyncRTUClient
from umb.client.status import PENDING
from umb.errors import ModbusError
from umb.gateway import Gateway

_NO_ANSWER = raw("83 0b")
_TIMEOUT_MS = 50
_LIVES = 25
_CALLS = 12  # of each task


def test_the_program_closes_the_line_and_asks_itself():
    """At any time of a gateway's request, and before the gateway has looked."""
    for retries in (0, 1):
        for polls in range(60):
            bus = Bus()
            line = bench(bus=bus, retries=retries)
            client, asker = line.gateway._paths[0].client, Asker()
            asker.ask(line.gateway, 3, request(3, 100, 2))
            for _ in range(polls):
                line.poll()
            client.close()
            own = client.new_request(3, 4, 200, 1)
            own.timeout_ms = TIMEOUT_MS
            status = client.begin(own)
            while status == PENDING:
                line.poll()
                status = client.go_on(own, False)
            assert status == 0 and own.value(client._adu, client._n) == [value_of(4, 200)]
            client.release(own)
            line.until_answered(asker)
            whole = answer(3, request(3, 100, 2))
            assert asker.answers[0] in ((whole,) if retries else (whole, _NO_ANSWER))
            assert line.ask(asker, 5, request(3, 7, 1)) == answer(5, request(3, 7, 1))
            line.is_clean()


def test_the_gateway_is_finished_after_the_program_has_taken_the_line():
    bus = Bus()
    line = bench(bus=bus)
    client, asker = line.gateway._paths[0].client, Asker()
    asker.ask(line.gateway, 3, request(3, 100, 2))
    line.poll()
    client.close()
    own = client.new_request(3, 4, 200, 1)
    own.timeout_ms = TIMEOUT_MS
    status = client.begin(own)
    line.gateway.finish()
    assert asker.answers == [_NO_ANSWER]
    while status == PENDING:
        status = client.go_on(own, False)
    assert status == 0 and own.value(client._adu, client._n) == [value_of(4, 200)]
    line.is_clean()


class Life:
    """Tasks that ask through a gateway and directly, of slaves that may be late or silent."""

    def __init__(self, seed):
        random.seed(seed)
        self._rareness = random.choice((5, 50, 200))
        bus = LateBus(self._delay, random.choice((19200, 115200)))
        self.client = AsyncRTUClient(
            bus,
            baudrate=19200 if bus.char_ns > 500_000 else 115200,
            parity=0,
            de=bus.pin,
            timeout_ms=_TIMEOUT_MS,
            retries=random.choice((0, 0, 1)),
            pause_ms=random.choice((0, 0, 10)),
        )
        self.gateway = Gateway(self.client, None, _TIMEOUT_MS, queue=4)
        self.over = False
        self.bus = bus
        self.right = self.failed = 0

    def _delay(self, _slave_id, _number):
        way = random.randrange(self._rareness)
        if way == 0:
            return None
        return random.randrange(130_000) if way == 1 else random.randrange(1000, 20_000)

    async def serve(self):
        while not self.over:
            self.gateway.poll()
            await asyncio.sleep_ms(random.randrange(3))

    async def ask(self, number):
        asker = Asker()
        for i in range(_CALLS):
            slave_id = random.randrange(1, 4)
            pdu = request(3, number * 1000 + i * 10, random.randrange(1, 4))
            asker.ask(self.gateway, slave_id, pdu)
            rounds = 0
            while asker.waits:
                await asyncio.sleep_ms(1)
                asker.gone = random.randrange(300) == 0
                rounds += 1
                assert rounds < 8000, "nobody answers"
            asker.gone = False
            got = asker.answers[-1]
            assert len(got) in (0, 2) or got == answer(slave_id, pdu), (slave_id, pdu, got)
            self.count(len(got) > 2)

    async def call(self, number):
        for i in range(_CALLS):
            slave_id, address = random.randrange(1, 4), 20_000 + number * 1000 + i
            call = self.client.read_holding_registers(slave_id, address, 1)
            if random.randrange(6) == 0:
                call = asyncio.wait_for_ms(call, random.randrange(1, 100))
            try:
                got = await call
                assert got == [value_of(slave_id, address)], (slave_id, address, got)
                self.count(True)
            except (ModbusError, asyncio.TimeoutError):
                self.count(False)
            if random.randrange(6) == 0:
                self.client.close()
            await asyncio.sleep_ms(random.randrange(30))

    def count(self, right):
        self.right += right
        self.failed += not right

    async def main(self):
        serving = asyncio.create_task(self.serve())
        await asyncio.gather(self.ask(0), self.ask(1), self.call(0), self.call(1))
        self.over = True
        await serving
        self.bus.is_clean()


def test_all_at_once_and_at_random():
    right = failed = 0
    for seed in range(_LIVES):
        life = Life(seed)
        run(life.main())
        right += life.right
        failed += life.failed
    assert right > failed > 100
    assert right + failed == _LIVES * 4 * _CALLS
