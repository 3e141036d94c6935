"""Tasks that ask the slaves of support.bus, some of them at random, and how that may end."""

import random

import asyncio

from support.bus import value_of

from umb.errors import BadReplyError, ModbusError, NoReplyError


def values(slave_id, address, quantity):
    """What a read of these registers returns."""
    return [value_of(slave_id, address + i) for i in range(quantity)]


async def outcome(call):
    """What a call returns, or the exception that it raises."""
    try:
        return await call
    except (ModbusError, asyncio.CancelledError) as error:
        return error


def outcomes(calls):
    """To be awaited: outcome() of all of them, side by side."""
    return asyncio.gather(*[outcome(call) for call in calls])


class Tally:
    """How calls have ended. errors: those that count as failed."""

    def __init__(self):
        self.errors = (NoReplyError, BadReplyError)
        self.answered = self.failed = self.cancelled = self.gave_up = 0
        self.doubtful = 0  # as the reply might have been that to an earlier request

    def total(self):
        return self.answered + self.failed + self.doubtful + self.cancelled + self.gave_up

    def least(self):
        return min(self.answered, self.failed, self.cancelled, self.gave_up)


async def cancelled_later(call):
    """Let a call run for up to 150 ms in a task of its own, then cancel it."""
    task = asyncio.create_task(call)
    await asyncio.sleep_ms(random.randrange(150))
    task.cancel()
    return await task


async def ask_at_random(client, number, calls, tally):
    """Make so many calls, each for an address that nobody else asks for; check each answer."""
    for i in range(calls):
        slave_id, address, quantity = 1 + i % 3, number * calls + i, 1 + i % 9
        call = client.read_holding_registers(slave_id, address, quantity)
        way = random.randrange(8)
        if way == 0:
            call = asyncio.wait_for_ms(call, random.randrange(150))
        elif way == 1:
            call = cancelled_later(call)
        try:
            result = await call
        except asyncio.TimeoutError:
            tally.gave_up += 1
        except asyncio.CancelledError:
            tally.cancelled += 1
        except tally.errors as error:
            if "earlier request" in str(error):
                tally.doubtful += 1
            else:
                tally.failed += 1
        else:
            assert result == values(slave_id, address, quantity), (number, i, result)
            tally.answered += 1


async def ten_at_random(client, calls, tally):
    """Ten tasks of so many calls each."""
    await asyncio.gather(*[ask_at_random(client, i, calls, tally) for i in range(10)])
