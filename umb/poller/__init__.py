"""Poller: reads the points of slaves in their intervals, and writes them.

    poller = Poller(RTUClient(1, baudrate=9600, parity=0, tx=8, rx=9, de=4))
    meter = poller.device(7, Points.load("meter.json"), interval_ms=1000)
    serve(poller, every=(5000, lambda: print(meter["voltage"], meter.state)))

A Poller holds a client, of any kind, and is a driver: umb.serve.serve() and umb.aio.serve() run
it, together with servers and a Gateway that shares its client. docs/how-to/poller.md describes in
which order points are read.
"""

import sys

from micropython import const

from ..check import function
from ..client import Client
from ..client.request import Request
from ..client.status import NO_REPLY, PENDING
from ..points import Points
from . import ticks
from .choice import Choice
from .device import Device
from .failures import error_for
from .schedule import Schedule, is_answer

_TAKEN_AT_ONCE = const(4)  # points whose values are taken in one poll()
_MOST_DATA = const(250)  # of a response (AP 6.3)
_LEAST_GAP = const(16)  # registers: max_gap is never less on a serial line
_WIDEST_GAP = const(125)
_DEFAULT_ANSWER_MS = const(10)  # how long a device takes to answer, until it was measured
_AROUND = const(13)  # bytes of a request to read, and of a response without its data, over RTU


class Poller:
    """Polls devices through one client.

    client      an RTUClient, TCPClient or UDPClient. Its own calls raise RuntimeError while a
                request of the Poller is under way
    on_change   on_change(device, name, value) is called when a value has changed, for the first
                one, too; None: it has no value any more, or never had
    on_state    on_state(device, state) is called when a device goes "online" or "offline"
    on_error    on_error(device, name, error) is called with the ModbusError that kept a point
                from being written

    What these hooks raise is printed, and does not end serve().

    observer    None, or an object such as a umb.records.BusRecord: its request_failed(
                request, status) is called with the Request of a client that was refused, or not
                answered, and its status of umb.client.status

    Raises ValueError for an argument of the wrong kind.
    """

    gone = False

    def __init__(self, client, *, on_change=None, on_state=None, on_error=None):
        if not isinstance(client, Client):
            raise ValueError("client must be a client such as RTUClient, not %r" % (client,))
        function("on_change", on_change)
        function("on_state", on_state)
        function("on_error", on_error)
        self.client = client
        self.on_change = on_change
        self.on_state = on_state
        self.on_error = on_error
        self.devices = []
        self.lines = 1 if client.serial else 0
        self.alone = True
        self.stopping = False
        self.observer = None
        self.write = None  # the write that is under way
        self._request = Request()
        self._next = Request()  # is prepared while that one is under way
        self._next_write = None  # the write that it is for
        self._is_prepared = False
        self._is_new = False  # whether that one has just begun
        self._is_finishing = False
        self._is_waiting = False  # whether other things are done before go_on()
        self._device = None  # its request is under way, or that has ended and is to be dealt with
        self._status = 0  # of this request
        self._began_ms = 0
        self._ended_ms = 0
        self._reply = bytearray(_MOST_DATA)  # to this request
        self._taken = None  # the device whose values are taken from its last reply
        self._taken_reply = bytearray(_MOST_DATA)
        self._choice = Choice(client, self.devices)  # which device is asked next

    def device(
        self,
        slave_id: int,
        points: Points,
        *,
        interval_ms: int = 1000,
        max_gap: "int | None" = None,
        max_span: "int | None" = None,
        ranges: "dict | None" = None,
        pause_ms: "int | None" = None,
        timeout_ms: "int | None" = None,
        priority: int = 0,
        max_age_ms: "int | None" = None,
        strict: "bool | None" = None,
    ) -> Device:
        """Poll a device from now on.

        interval_ms  from one reading to the next, of points without scan_interval; 10 or more
        max_gap      how many registers between two points are read along, to ask less often;
                     None: as many as cost less than a request, by baud rate and answering time
        max_span     the most registers of a request, 1 to 125; None: 125
        ranges       {"input": [(first address, last address), ...], ...}: what can be read. Points
                     in one range are read together, whatever is between them
        pause_ms     how long the device is left alone after an answer; None: not at all
        timeout_ms   how long it has to answer; None: as the client has it
        priority     of devices that are due, those with the highest go first, unless another one
                     is more than a second late
        max_age_ms   a value that is older is None; None: it stays
        strict       as Client.slave() has it

        What the file of the points says of max_gap, max_span, ranges and pause_ms holds where one
        of these is None.

        Raises ValueError for a wrong argument, for a slave that has a device already, and for a
        point that cannot be read with these.
        """
        from .options import check, check_device

        check_device(self.devices, slave_id, points)
        about = points.about
        max_gap = about.get("max_gap") if max_gap is None else max_gap
        max_span = about.get("max_span", 125) if max_span is None else max_span
        ranges = about.get("ranges") if ranges is None else ranges
        pause_ms = about.get("pause_ms") if pause_ms is None else pause_ms
        timeout_ms = self.client.timeout_ms if timeout_ms is None else timeout_ms
        strict = self.client.strict if strict is None else strict
        options = (0 if pause_ms is None else pause_ms, timeout_ms, priority, max_age_ms, strict)
        check(interval_ms, max_gap, max_span, ranges, options)
        if pause_ms is not None:
            # A Gateway on the same client keeps this pause, too.
            self.client.keep_pause(slave_id, pause_ms)
        gap = self._gap(_DEFAULT_ANSWER_MS) if max_gap is None else max_gap
        is_measured = max_gap is not None or not self.client.serial
        now_ms = self.now_ms()
        schedule = Schedule(points, interval_ms, max_span, ranges, gap, is_measured, now_ms)
        device = Device(self, slave_id, points, schedule, options)
        self.devices.append(device)
        self.choose_again()
        return device

    def registers(self, start: int = 0) -> tuple:
        """Return blocks of what is counted, for the input registers of a slave on this board.

        Each device has 16 registers, see Device.registers(): the first one those from `start` on,
        the others those behind, in the order in which device() was called. Devices that come later
        have none.
        """
        from .counters import SIZE

        devices = self.devices
        return tuple(devices[i].registers(start + i * SIZE) for i in range(len(devices)))

    def now_ms(self):
        """Return the time in milliseconds, see umb.poller.ticks."""
        return ticks.now_ms()

    # --- what a driver has, see umb.serve

    def poll(self, wait_ms: int = 0) -> int:
        """Go on with what can be done; with wait_ms, sleep so long at most first.

        Returns how many answers were received.
        """
        if wait_ms:
            self.client.sleep(min(wait_ms, self.nap_ms()))
        if self._device is not None and self._status == PENDING:
            # What can wait is done while a request is under way, in turn with that.
            self._is_waiting = not self._is_waiting
            if not (self._is_waiting and self._do_meanwhile()):
                return self._go_on()
        elif self._device is not None:
            if not self._take():
                self._end()
        elif self._choice.is_asking() and self.client.is_free():
            return self._begin_next()
        elif not self._do_meanwhile():
            self._idle()
        return 0

    def nap_ms(self) -> int:
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        choice = self._choice
        if self._taken is not None or choice.is_open or choice.unfinished is not None:
            return 0
        if self._device is not None and (self._is_new or self._status != PENDING):
            return 0
        if self._device is not None or not self.client.is_free():
            return self.client.nap_in_call_ms()
        return 0 if choice.is_asking() else choice.nap_ms(self.now_ms())

    def watch(self, poller) -> None:
        """Use this select.poll from now on, see umb.serve."""
        self.client.watch(poller)

    def finish(self) -> None:
        """Give up what is under way: a frame that is being sent leaves, see umb.serve."""
        if self._is_finishing:
            return  # this is called by a hook; what is left is done when that returns
        self._is_finishing = True
        try:
            self._finish()
        finally:
            self._is_finishing = False

    def _finish(self):
        self._is_prepared = False
        self._choice.begin(False)
        self._take_all()
        device = self._device
        if device is None:
            return
        if self._status != PENDING:
            self._end()
            self._take_all()
            return
        if self._is_new:
            self._note_begin()
            self._choice.begin(False)
        self._device = None
        if self.write is None:
            device.schedule.end_read(NO_REPLY, self.now_ms())
        self.write = None
        self.client.give_up(self._request)

    def server_close(self) -> None:
        """Let go of the client."""
        self.finish()
        self.client.close()

    def serve_forever(self) -> None:
        """Poll until shutdown() is called, asleep while nothing is due."""
        from ..serve import serve

        serve(self)

    def shutdown(self) -> None:
        """End serve_forever() or serve()."""
        self.stopping = True

    # --- one request after another

    def _do_meanwhile(self):
        """Do a part of what can be done while a request is under way. Returns whether it did."""
        choice = self._choice
        if self._is_new:
            self._note_begin()
        elif choice.is_open:
            choice.go_on(self.now_ms())
        elif choice.device is not None and not self._is_prepared:
            self._prepare(choice.device)
        elif self._taken is None and choice.unfinished is not None:
            self._go_on_with(choice.unfinished)
        else:
            return self._take()
        return True

    def _begin_next(self):
        """Ask the device that was chosen, if it still is the one. Returns how many answered."""
        now_ms = self.now_ms()
        choice = self._choice
        if choice.is_open:
            choice.go_on(now_ms)
        elif not choice.holds(now_ms):
            self.choose_again()
        elif self._is_prepared:
            return self._begin(choice.device, now_ms)
        else:
            self._prepare(choice.device)
        return 0

    def _prepare(self, device):
        """Prepare the next request, while the one before may be under way."""
        request = self._next
        request.slave_id = device.slave_id
        request.timeout_ms = device.timeout_ms
        request.strict = device.strict
        request.tries = request.retries = 0  # a read without an answer is repeated soon, anyway
        self._next_write = None
        if device.writes:
            request.tries = self.client.retries
            self._next_write = device.begin_write(request)
        else:
            device.begin_read(request)
        self._is_prepared = True

    def _begin(self, device, now_ms):
        """Send the request to this device. Returns how many answered."""
        self._request, self._next = self._next, self._request
        self.write = self._next_write
        self._device = device
        self._began_ms = now_ms
        self._status = self.client.begin(self._request)
        self._is_new = True
        return 0 if self._status == PENDING else self._received()

    def _note_begin(self):
        """Note that the device is asked since a moment ago, and choose who is asked next."""
        self._is_new = False
        if self.write is None:
            self._device.schedule.begin_read(self._began_ms)
        self.choose_again()

    def _go_on(self):
        """Go on with the request that is under way. Returns how many answered."""
        self._status = self.client.go_on(self._request, False)
        return 0 if self._status == PENDING else self._received()

    def choose_again(self):
        """Choose who is asked next, after a write that is under way."""
        self._is_prepared = False
        self._choice.begin(self.write is None)

    def _idle(self):
        """No request is under way: see whether one is due."""
        if not self.client.is_free():
            return
        try:
            self.client.clear()  # bytes that no request waits for would keep serve() awake
        except OSError:
            self.client.abandon()
        if not self._choice.nap_ms(self.now_ms()):
            self.choose_again()

    def _received(self):
        """The request has ended: keep its reply. Returns how many were answered."""
        self._ended_ms = self.now_ms()
        if self._status == 0 and self.write is None:
            self.client.copy_data(self._reply)
        return 1 if is_answer(self._status) else 0

    def _end(self):
        """Deal with the end of the request."""
        if self._is_new:
            self._note_begin()
        device = self._device
        self._device = None
        status = self._status
        now_ms = self._ended_ms
        write = self.write
        device.ended(status, self._began_ms, now_ms)
        if status and self.observer is not None:
            self.observer.request_failed(self._request, status)
        if write is not None:
            self.write = None
            status = device.end_write(write, status, now_ms)
            if status:
                self.notify_error(device, write[0], status)
        else:
            device.end_read(status, now_ms)
            if status == 0:
                self._reply, self._taken_reply = self._taken_reply, self._reply
                self._taken = device
                if self.client.serial:
                    self._measure(device)
        if status or device.has_work or device.pause_ms or self._choice.device is None:
            self.choose_again()  # this device may have to be asked something else now, or later

    def _take(self):
        """Take some values of the last reply. Returns whether there were any left."""
        device = self._taken
        if device is None:
            return False
        if device.take(self._taken_reply, _TAKEN_AT_ONCE):
            self._taken = None
        return True

    def _go_on_with(self, device):
        """Do a part of the work that keeps a device from being asked."""
        device.go_on(self.now_ms())
        if not device.has_work:
            self._choice.unfinished = None
            self.choose_again()

    def _take_all(self):
        """Take the values that are left of the reply."""
        while self._take():
            pass

    def _measure(self, device):
        """Measure how long the device takes to answer; then have its plan made again, once."""
        n = _AROUND + 2 * self._request.quantity
        wait_ms = device.last_ms - self.client.line.time_us(n) // 1000
        answer_ms = device.schedule.measure(max(0, wait_ms))
        if answer_ms is not None:
            device.begin_plan(self._gap(answer_ms))

    def _gap(self, answer_ms):
        """Return how many registers cost less than a request to a device that takes so long."""
        if not self.client.serial:
            return _WIDEST_GAP
        line = self.client.line
        us = line.time_us(_AROUND) + 2 * line.reply_delay_us
        us += 1000 * answer_ms
        return max(_LEAST_GAP, min(us // line.time_us(2), _WIDEST_GAP))

    # --- hooks

    def notify_change(self, device, i):
        """Call on_change with the value of point number i."""
        if self.on_change is not None:
            self._call(self.on_change, device, device.points.name(i), device.value(i))

    def notify_state(self, device):
        """Call on_state."""
        if self.on_state is not None:
            self._call(self.on_state, device, device.state)

    def notify_error(self, device, i, status):
        """Call on_error, as point number i was not written."""
        if self.on_error is not None:
            name = device.points.name(i)
            error = error_for(status, device, "a write of point %r" % name)
            self._call(self.on_error, device, name, error)

    def _call(self, hook, *args):
        try:
            hook(*args)
        except Exception as error:  # noqa: BLE001 - whatever a hook does, polling goes on
            sys.print_exception(error)
