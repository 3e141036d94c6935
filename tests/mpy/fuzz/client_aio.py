"""Kinds "client-aio", "client-aio-tcp": clients that tasks share, some of which give up.

By an exact clock. Events are (task, pause in us, call, scripts, give up after us or None).
"""

from fuzz import net  # comes first: it stands in for the modules socket, select and time

from support.loop import run  # asyncio by the clock of support.uart

import asyncio

from support.uart import clock

from fuzz import calls, client_line, client_net
from fuzz.client_line import (
    Game,
    Record,
    Script,
    check_spoken,
    decide,
    is_late,
    outcome_of,
)
from fuzz.model import word
from fuzz.rng import Difference, Rng, journal

_TASKS = 4
_CALLS = 8  # of each task
_SLAVES = (1, 2, 17)


def draw(seed):
    """A case of a client."""
    rng = Rng(seed)
    setup = client_line.draw_line(rng)
    setup["ascii"] = rng.one_in(5)
    return setup, _events(rng, setup, Script(rng, setup).draw, True)


def draw_tcp(seed):
    """A case of a client of a TCP server."""
    rng = Rng(seed)
    setup = client_net.draw_setup(rng, "MBAP")
    script = client_net.NetScript(rng, setup)
    return setup, _events(rng, setup, lambda _: script.draw(), False)


def _events(rng, setup, script, serial):
    """What the tasks do; script(slave id) draws what becomes of a request."""
    setup["calm"] = rng.one_in(4)  # every slave answers, nobody gives up
    timeout_us = setup["timeout_ms"] * 1000
    events = []
    late = [None] * _TASKS
    for number in range(_TASKS * _CALLS):
        task = rng.below(_TASKS)
        call = calls.draw(rng, rng.choice(_SLAVES), number, calls.COMMON)
        pause = rng.choice((0, 0, 0, 1000, 30_000, 2 * timeout_us))
        if late[task] and not rng.one_in(4):
            call, pause = calls.alike(late[task], number) or call, 0
        if rng.one_in(20) and serial:
            call = calls.broadcast(rng, number)
        scripts = []
        after = None
        if not setup["calm"]:
            scripts = [script(call[1]) for _ in range(setup["retries"] + 1)]
            after = rng.below(3 * timeout_us) if rng.one_in(6) else None
        late[task] = call if after or is_late(scripts, timeout_us) else None
        events.append((task, pause, call, scripts, after))
    return events


class Tasks:
    """Plays the calls of several tasks with the client of a game."""

    def __init__(self, game, network):
        self.game = game
        self.network = network
        self.records = game.records
        self.calm = game.setup["calm"]
        self.failure = None  # the first difference

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
        self.records[number // 37] = record = Record(call, scripts)
        awaited = calls.method(self.game.client, code)(slave_id, *arguments)
        try:
            if after_us is not None:
                awaited = asyncio.wait_for_ms(awaited, after_us // 1000)
            got = "value", await awaited
        except asyncio.TimeoutError:
            return
        except Exception as error:  # noqa: BLE001 - it is looked at
            got = outcome_of(error)
        journal.append((clock.now_us(), got))
        if self.calm:
            wanted = decide(call, (), 1_000_000, 0).certain
            if got != wanted:
                raise Difference("{} from {}".format(wanted, call), repr(got))
        check_spoken(call, got, record.spoken, clock.now_us(), self.network)

    async def play(self, events):
        """Let all tasks run, then make a call to each slave after a rest."""
        tasks = []
        for number in range(_TASKS):
            tasks.append(self.task([event for event in events if event[0] == number]))
        await asyncio.gather(*tasks)
        if self.failure is not None:
            raise self.failure
        await asyncio.sleep_ms(5 * self.game.setup["timeout_ms"] + 12_000)
        if self.network:  # a connection that hangs is given up when a call finds that it does
            await self.one((3, 1, (37 * len(events), 2)), (), None)
            await asyncio.sleep_ms(12_000)
        self.calm = True
        for slave_id in _SLAVES:
            number = len(events) + slave_id
            await self.one((3, slave_id, (37 * number, 2)), (), None)


class LineGame(Game):
    """An AsyncRTUClient and its line."""

    def __init__(self, setup):
        self.records = {}
        super().__init__(setup)

    def make(self):
        """The client."""
        from umb.aio import AsyncRTUClient

        return self.make_from(AsyncRTUClient)

    def record_of(self, pdu):
        """The record of the call that this request is from."""
        return self.records.get(word(pdu, 1) // 37)


class NetGame(client_net.Game):
    """An AsyncTCPClient and its server."""

    def __init__(self, setup):
        self.records = {}
        super().__init__(setup)

    def kind(self):
        """The class of the client."""
        from umb.aio import AsyncTCPClient

        return AsyncTCPClient

    def record_of(self, pdu):
        """The record of the call that this request is from."""
        return self.records.get(word(pdu, 1) // 37)


def play(setup, events):
    """Play a case. Returns how many calls it had."""
    network = "framer" in setup
    net.network.clear()
    game = NetGame(setup) if network else LineGame(setup)
    run(Tasks(game, network).play(events))
    if not network and game.pin.level() != 0:
        raise Difference("the pin at receive after all calls", "it transmits")
    return len(events)
