"""Kind "client-aio": an AsyncRTUClient that tasks share, some of which give up, by an exact clock.

Events are (task, pause in us, call, scripts, give up after us or None).
"""

from support_loop import run  # comes first: asyncio by the clock of support_uart

import asyncio

from support_uart import clock

from fuzz import calls, client_line
from fuzz.client_line import Game, Record, Script, check_spoken, decide, is_late, outcome_of
from fuzz.model import word
from fuzz.rng import Difference, Rng, journal

_TASKS = 4
_CALLS = 8  # of each task
_SLAVES = (1, 2, 17)


def draw(seed):
    """A life of a client."""
    rng = Rng(seed)
    setup = client_line.draw_line(rng)
    setup["calm"] = rng.one_in(4)  # every slave answers, nobody gives up
    setup["ascii"] = rng.one_in(5)
    script = Script(rng, setup)
    events = []
    late = [None] * _TASKS
    for number in range(_TASKS * _CALLS):
        task = rng.below(_TASKS)
        call = calls.draw(rng, rng.choice(_SLAVES), number, calls.COMMON)
        pause = rng.choice((0, 0, 0, 1000, 30_000, 2 * script.timeout_us))
        if late[task] and not rng.one_in(4):
            call, pause = calls.alike(late[task], number) or call, 0
        if rng.one_in(20):
            call = calls.broadcast(rng, number)
        scripts = []
        after = None
        if not setup["calm"]:
            scripts = [script.draw(call[1]) for _ in range(setup["retries"] + 1)]
            after = rng.below(3 * script.timeout_us) if rng.one_in(6) else None
        late[task] = call if after or is_late(scripts, script.timeout_us) else None
        events.append((task, pause, call, scripts, after))
    return setup, events


class AioGame(Game):
    """Plays the calls of several tasks."""

    def __init__(self, setup):
        self._records = {}
        self.failure = None  # the first difference
        super().__init__(setup)

    def make(self):
        """The client."""
        from umb.aio import AsyncRTUClient

        return self.make_from(AsyncRTUClient)

    def record_of(self, pdu):
        """The record of the call that this request is from."""
        return self._records.get(word(pdu, 1) // 37)

    async def task(self, events):
        """Make calls, one after another."""
        for _, pause, call, scripts, after_us in events:
            if self.failure is not None:
                return
            await asyncio.sleep_ms(pause // 1000)
            try:
                await self.one(call, scripts, after_us)
            except Exception as error:  # noqa: BLE001 - told at the end
                self.failure = self.failure or error

    async def one(self, call, scripts, after_us):
        """Make a call and check what comes out of it."""
        code, slave_id, arguments = call
        number = arguments[0] if code != 65 else word(arguments[0], 1)
        self._records[number // 37] = record = Record(call, scripts)
        awaited = calls.method(self.client, code)(slave_id, *arguments)
        try:
            if after_us is not None:
                awaited = asyncio.wait_for_ms(awaited, after_us // 1000)
            got = "value", await awaited
        except asyncio.TimeoutError:
            return
        except Exception as error:  # noqa: BLE001 - it is looked at
            got = outcome_of(error)
        journal.append((clock.now_us(), got))
        if self.setup["calm"]:
            wanted = decide(call, (), 1_000_000, 0).certain
            if got != wanted:
                raise Difference("{} from {}".format(wanted, call), repr(got))
        check_spoken(call, got, record.spoken, clock.now_us())

    async def play(self, events):
        """Let all tasks run, then make a call to each slave after a rest."""
        tasks = []
        for number in range(_TASKS):
            tasks.append(self.task([event for event in events if event[0] == number]))
        await asyncio.gather(*tasks)
        if self.failure is not None:
            raise self.failure
        await asyncio.sleep_ms(3 * self.setup["timeout_ms"] + 3000)
        self.setup = dict(self.setup, calm=True)
        for slave_id in _SLAVES:
            number = len(events) + slave_id
            await self.one((3, slave_id, (37 * number, 2)), (), None)


def play(setup, events):
    """Play a life. Returns how many calls it had."""
    game = AioGame(setup)
    run(game.play(events))
    if game.pin.level() != 0:
        raise Difference("the pin at receive after all calls", "it transmits")
    return len(events)
