"""Device: one slave, as a Poller reads and writes it."""

from micropython import const

from ..client.status import NO_CONNECTION, NO_REPLY
from ..store import Registers
from .failures import error_for, offline_error
from .schedule import OFFLINE, is_answer
from .values import CHANGED, UNFINISHED, Values
from .writing import prepare

_STATES = ("unknown", "online", "offline")
_LAST_COUNT = const(0x3FFFFFFF)  # counters wrap here: the largest small integer of 32-bit boards
_WHOLE = const(0xFFFF)  # the mask of a point that has all of its registers
_ACKNOWLEDGE = const(5)
_BUSY = const(6)
# What is in a write that waits:
_POINT = const(0)  # the number of the point
_DATA = const(1)  # the bytes to be written
_BEFORE = const(2)  # the bytes before
_TICKETS = const(3)  # the tickets of tasks that wait for it
_TRIES = const(4)  # how many times it may still be refused as busy
_BUSY_TRIES = const(10)
_LOST_AT_ONCE = const(4)  # points whose values are removed in one step


class Device:
    """One slave: device["voltage"], device["relay"] = 1. Poller.device() makes it.

    slave_id, points   as Poller.device() was given them

    What it counts, modulo 2**30:

    request_count, answer_count, exception_count, timeout_count, wrong_reply_count
    missed_count       readings that were left out because the one before them was too late
    last_ms, worst_ms  how long the last answered request took, and the longest one
    """

    def __init__(self, poller, slave_id, points, schedule, options):
        self.slave_id = slave_id
        self.points = points
        self.schedule = schedule
        self.pause_ms, self.timeout_ms, self.priority, self.max_age_ms, self.strict = options
        self.request_count = self.answer_count = self.exception_count = 0
        self.timeout_count = self.wrong_reply_count = 0
        self.last_ms = self.worst_ms = 0
        self.writes = []  # that wait, in their order
        self._poller = poller
        self._values = Values(points, self._notify)
        self._multiple = False  # the device takes function codes 15 and 16 only
        self._tickets = []  # [point number, status or None], one for each task that waits
        self.has_work = False  # whether go_on() is to be called; until then it is not asked
        self._lost_status = 0  # why it is offline, if there are writes to be dropped
        # The block that was read, whose values are taken:
        self._address = 0  # the first one that was read
        self._first = 0  # the places of its points are from here
        self._end = 0  # to here
        self._place = 0  # the one to be taken next
        self._refusal = 0  # the exception code with which it was refused
        self._changed = -1  # the point that was taken last, if its value has changed
        self._is_losing = False  # its points lose their values, as the device has none of them

    def __getitem__(self, name: str):
        """Return the value of a point, None if there is none, or none that is new enough.

        Raises KeyError.
        """
        return self.value(self.points.index(name))

    def value(self, i: int):
        """Return the value of point number i, as device[name] is for its name."""
        return self._values.value(i) if self._has_value(i) else None

    def _has_value(self, i):
        """Return whether there is a value of point number i that is new enough."""
        values = self._values
        if values.is_writing(i):
            return True
        if not values.is_read(i):
            return False
        if self.max_age_ms is None:
            return True
        return values.age_ms(i, self._poller.now_ms()) <= self.max_age_ms

    def __setitem__(self, name: str, value):
        """Have a value written as soon as possible, and then read back.

        A later value for the same point takes its place if it has not been sent. Until it is
        answered, device[name] is what was written. A device that goes offline loses what was not
        written.

        Raises KeyError, ValueError for what the point cannot be, NoReplyError if it is offline.
        """
        self._write(self.points.index(name), value, None)

    @property
    def state(self) -> str:
        """ "online" or "offline"; "unknown" as long as that was not found out."""
        return _STATES[self.schedule.state]

    @property
    def missed_count(self) -> int:
        """How many readings were left out, modulo 2**30."""
        return self.schedule.missed

    @property
    def overloaded(self) -> bool:
        """Whether the intervals cannot be kept: a reading was missed within ten seconds."""
        return self.schedule.is_overloaded(self._poller.now_ms())

    def age_ms(self, name: str):
        """Return how long ago a point was read, None if it never was.

        From 37 hours on it stays 134217728.
        """
        i = self.points.index(name)
        return self._values.age_ms(i, self._poller.now_ms()) if self._values.is_read(i) else None

    def refresh(self, name: "str | None" = None) -> None:
        """Have a point read as soon as possible, or all of them. Raises KeyError."""
        schedule = self.schedule
        plan = schedule.plan
        now_ms = self._poller.now_ms()
        self._poller.choose_again()
        if name is not None:
            schedule.want(plan.block_of(self.points.index(name)), now_ms)
            return
        b = 0
        while b < len(self.points):
            schedule.want(b, now_ms)
            b = plan.ends[b]

    async def read(self, name: str):
        """Have a point read, and return its value. For asyncio, with umb.aio.serve(poller).

        Raises KeyError, or an umb.errors.ModbusError for what kept it from being read.
        """
        i = self.points.index(name)
        self._refuse_if_offline(name)
        ticket = [i, None]
        self._tickets.append(ticket)
        self.refresh(name)
        await self._wait(ticket, "a read", name)
        return self[name]

    async def write(self, name: str, value) -> None:
        """Write a point, and return when that has been answered. For asyncio, as read().

        Raises KeyError, ValueError, or an umb.errors.ModbusError for what kept it from being
        written.
        """
        i = self.points.index(name)
        ticket = [i, None]
        self._write(i, value, ticket)
        await self._wait(ticket, "a write", name)

    async def _wait(self, ticket, asked, name):
        """Wait until a ticket has a status. Raises what that stands for."""
        import asyncio

        while ticket[1] is None:
            await asyncio.sleep_ms(1)
        if ticket[1]:
            raise error_for(ticket[1], self, asked + " of point %r" % name)

    def registers(self, start: int = 0) -> Registers:
        """Return a block of what it counts, for the input registers of a slave on this board.

        Its 16 registers are described in docs/how-to/poller.md.
        """
        from .counters import CounterRegisters

        return CounterRegisters(self, start)

    # --- for a Mirror

    def copy(self, i, buf):
        """Copy the bytes of point number i to buf, as on the wire. Returns whether it has any."""
        if not self._has_value(i):
            return False
        self._values.copy(i, buf)
        return True

    def is_unsupported(self, i):
        """Return whether the device has refused to be read at point number i."""
        return self._values.is_refused(i)

    def write_bytes(self, i, data):
        """Have the bytes of point number i written, as on the wire."""
        self._queue(i, data, None)

    # --- writing

    def _refuse_if_offline(self, name):
        if self.schedule.state == OFFLINE:
            raise offline_error(self.slave_id, name)

    def _write(self, i, value, ticket):
        """Put a value into the queue of writes."""
        self.points.check(i, value)
        self._refuse_if_offline(self.points.name(i))
        self._queue(i, self._values.encode(i, value), ticket)

    def _queue(self, i, data, ticket):
        """Put the bytes of a value into the queue of writes."""
        before = self._values.write(i, data)
        write = None
        for waiting in self.writes:
            if waiting[_POINT] == i and waiting is not self._poller.write:
                write = waiting
        if write is None:
            write = [i, data, before, [], _BUSY_TRIES]
            self.writes.append(write)
        write[_DATA] = data
        if ticket is not None:
            write[_TICKETS].append(ticket)
        self._poller.choose_again()

    def begin_write(self, request):
        """Make the request for the first write that waits. Returns the write."""
        write = self.writes[0]
        prepare(request, self.points, write[_POINT], write[_DATA], self._multiple)
        return write

    def end_write(self, write, status, now_ms):
        """A write was answered, refused, or not answered. Returns its error, 0 if there is none.

        What is not answered, and what a busy device has refused, stays in the queue.
        """
        i = write[_POINT]
        if status == 1 and not self._multiple and self.points.mask(i) == _WHOLE:
            self._multiple = True  # and again
            return 0
        if status == _BUSY and write[_TRIES]:
            write[_TRIES] -= 1
            self.schedule.hold(now_ms)
            return 0
        if not is_answer(status):
            return 0
        if status == _ACKNOWLEDGE:
            status = 0
        self._drop(write, status, now_ms)
        self.schedule.want(self.schedule.plan.block_of(i), now_ms)
        return status

    def _drop(self, write, status, now_ms):
        """A write is over."""
        i = write[_POINT]
        self.writes.remove(write)
        for ticket in write[_TICKETS]:
            ticket[1] = status
        for other in self.writes:
            if other[_POINT] == i:
                return
        if status:
            self._values.not_written(i, write[_BEFORE])
        else:
            self._values.written(i, now_ms)

    # --- for the Poller: requests and what comes of them

    def failure(self):
        """Return why there is no connection, for an error's text."""
        return self._poller.client.failure()

    def _notify(self, i):
        self._poller.notify_change(self, i)

    def begin_read(self, request):
        """Make the request for the block that was chosen."""
        plan = self.schedule.plan
        b = self.schedule.chosen
        request.function_code = b"\1\2\4\3"[plan.area(b)]
        request.address = plan.address(b)
        request.quantity = plan.quantity(b)
        request.values = None

    def ended(self, status, began_ms, now_ms):
        """Count the end of a request."""
        self.request_count = self.request_count + 1 & _LAST_COUNT
        if status > 0:
            self.exception_count = self.exception_count + 1 & _LAST_COUNT
        if not is_answer(status):
            self._failed(status, began_ms, now_ms)
            return
        self.answer_count = self.answer_count + 1 & _LAST_COUNT
        self.last_ms = now_ms - began_ms & 0xFFFFFFF
        self.worst_ms = max(self.worst_ms, self.last_ms)
        if self.schedule.answered(now_ms, self.pause_ms):
            self._poller.notify_state(self)

    def _failed(self, status, began_ms, now_ms):
        """Note a request without an answer, or with a wrong one."""
        if status == NO_REPLY:
            self.timeout_count = self.timeout_count + 1 & _LAST_COUNT
        elif status < 0 and status != NO_CONNECTION:
            self.wrong_reply_count = self.wrong_reply_count + 1 & _LAST_COUNT
        if self.schedule.failed(began_ms, now_ms, self.timeout_ms):
            self._lost_status = status
            while self._tickets:
                self._tickets.pop()[1] = status
            self.has_work = self.has_work or len(self.writes) > 0
            self._poller.notify_state(self)

    def end_read(self, status, now_ms):
        """The request for a block has ended: 0, an exception code, or a status less than 0."""
        schedule = self.schedule
        self._first = self._place = schedule.reading
        self._end = schedule.reading_end
        if status == 0:
            self._values.now_ms = now_ms
            self._address = schedule.plan.address(schedule.reading)
            return
        self._refusal = status
        if schedule.end_read(status, now_ms):
            self._lose()
        elif schedule.plan.is_open:
            self.has_work = True
        else:
            self._end_tickets(status)

    def take(self, reply, most):
        """Take values of so many points at most. Returns whether that is all.

        What follows from a changed value is done with the next call if it takes long.
        """
        if self._changed >= 0:
            i = self._changed
            self._changed = -1  # now: hooks may call finish()
            if not self._values.changed(i):
                self._changed = i
                return False
            most = 1
        most = min(self._place + most, self._end)
        while self._place < most:
            if not self._take_next(reply):
                return False
        if self._place < self._end or not self._values.notify_scaled():
            return False
        self._end_tickets(0)
        return True

    def _take_next(self, reply):
        """Take the value of the next point. Returns whether there is time for another one."""
        i = self.schedule.plan.order[self._place]
        took = self._values.take(i, reply, self.points.address(i) - self._address)
        if took == UNFINISHED:
            return False
        self._place += 1
        if took == CHANGED:
            if self._values.has_deadband or self._poller.on_change is not None:
                self._changed = i
                return False
            self._values.changed(i)
        return True

    def _end_tickets(self, status):
        """Set the status of the tickets for points of the block that was read."""
        places = self.schedule.plan.places
        i = len(self._tickets)
        while i:
            i -= 1
            ticket = self._tickets[i]
            is_read = self._first <= places[ticket[0]] < self._end
            if is_read and not self._values.is_writing(ticket[0]):
                ticket[1] = status
                self._tickets.pop(i)

    # --- work in steps

    def begin_plan(self, gap):
        """Set out to merge points anew, across gaps of so many registers."""
        if self.schedule.begin_plan(gap):
            self.has_work = True

    def go_on(self, now_ms):
        """Do a part of the work that has to be done before the device is read again."""
        schedule = self.schedule
        plan = schedule.plan
        if plan.is_open:
            if plan.go_on():  # a block that was refused cannot be split
                schedule.refuse(now_ms)
                self._lose()
            schedule.look_again()
        elif self._is_losing:
            self._lose_values()
        elif self._is_losing_writes():
            write = self.writes[0]
            self._drop(write, self._lost_status, now_ms)
            self._poller.notify_error(self, write[_POINT], self._lost_status)
        self.has_work = plan.is_open or self._is_losing or self._is_losing_writes()

    def _is_losing_writes(self):
        """Return whether there are writes to be dropped, as the device is offline."""
        return self.schedule.state == OFFLINE and len(self.writes) > 0

    def _lose(self):
        """The device does not support the points of the block that was read."""
        self._end_tickets(self._refusal)
        self.has_work = self._is_losing = True

    def _lose_values(self):
        """Remove the values of some of these points."""
        order = self.schedule.plan.order
        most = min(self._place + _LOST_AT_ONCE, self._end)
        while self._place < most:
            self._place += 1
            if self._values.lose(order[self._place - 1]):
                break
        self._is_losing = self._place < self._end

    def forget_old(self, now_ms):
        """Mark values that are too old for the clock, of some points, before it wraps."""
        if self._values.forget_old(now_ms):
            self.schedule.forget_old(now_ms)
