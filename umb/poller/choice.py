"""Choice: which device is asked next."""

from micropython import const

from .ticks import passed

# What is done in one poll(), in blocks that are looked at, which take a Pico 60 us each:
_BLOCKS_AT_ONCE = const(20)
_SKIPPED = const(4)  # a device that cannot be asked
_COMPARED = const(5)  # one that can be asked
_LOOKED_AT = const(8)  # one whose blocks are looked at, too, besides these
_LATE_MS = const(1000)  # after so long a device of low priority goes first
_LONGEST_NAP_MS = const(500)
_LONGEST_INTERVAL_MS = const(500_000_000)  # more than any lateness
_SWEEP_MS = const(1 << 26)  # so often ages are looked at before the clock wraps


class Choice:
    """Chooses the device that a Poller asks next, a few blocks looked at at a time.

    device      the one that was chosen, None: none is due, or is_open
    is_open     whether one is being chosen: go_on() is to be called
    unfinished  a device that has_work, None: none that is known
    """

    def __init__(self, client, devices):
        self.device = None
        self.is_open = False
        self.unfinished = None
        self._client = client
        self._devices = devices
        self._compared = 0  # how many were compared
        self._first = None  # the one that goes first, of those compared so far
        self._late_ms = 0  # for how long its deadline has passed
        self._begin_ms = 0  # when the first of them was compared
        self._holds_ms = 0  # for how long from then on nothing else becomes due

    def begin(self, is_open=True):
        """Choose anew; is_open=False: later."""
        self.device = self._first = None
        self.is_open = is_open
        self._compared = 0
        self._holds_ms = 0

    def is_asking(self):
        """Return whether a device was chosen, or is being chosen."""
        return self.is_open or self.device is not None

    def holds(self, now_ms):
        """Return whether the device that was chosen still is the one, and may be asked now."""
        device = self.device
        schedule = device.schedule
        return (
            passed(now_ms, self._begin_ms) < self._holds_ms
            and not device.has_work
            and (len(device.writes) > 0 or (schedule.is_known(now_ms) and schedule.chosen >= 0))
            and not self._client.pause_left_ms(device.slave_id, now_ms)
        )

    def go_on(self, now_ms):
        """Compare some devices. When all were compared, the one that goes first is chosen."""
        if self._compared == 0:
            self._begin_ms = now_ms
            self._holds_ms = _LONGEST_NAP_MS
        now_ms = self._begin_ms
        left = _BLOCKS_AT_ONCE
        while left > _COMPARED and self._compared < len(self._devices):
            left = self._consider(self._devices[self._compared], now_ms, left)
        if self._compared == len(self._devices):
            self.is_open = False
            self.device = self._first

    def nap_ms(self, now_ms):
        """Return for how many milliseconds none need be chosen anew."""
        if self.unfinished is not None:
            return 0
        if not self._devices:
            return _LONGEST_NAP_MS
        return max(0, self._holds_ms - max(0, passed(now_ms, self._begin_ms)))

    def _pause_ms(self, device, now_ms):
        """Return after how many milliseconds to look whether a pause of the device has ended."""
        if self._client.pause_left_ms(device.slave_id, now_ms):
            return max(1, self._client.nap_ms())
        return 0

    def _consider(self, device, now_ms, left):
        """Compare a device with the one that goes first, or look at some of its blocks for that.

        left   how many blocks may be looked at. Returns how many are left then
        """
        schedule = device.schedule
        if passed(now_ms, schedule.swept_ms) > _SWEEP_MS:
            device.forget_old(now_ms)
        wait_ms = schedule.wait_ms(now_ms, len(device.writes) > 0)
        if not (wait_ms or device.has_work or device.writes or schedule.is_known(now_ms)):
            left -= _COMPARED + _LOOKED_AT
            if left > 0:
                left = schedule.look(now_ms, left)
            if not schedule.is_known(now_ms):
                return 0
            left += _COMPARED
            wait_ms = schedule.wait_ms(now_ms, False)
        wait_ms = wait_ms or self._pause_ms(device, now_ms)
        if wait_ms:
            self._holds_ms = min(self._holds_ms, wait_ms)
        if device.has_work:
            self.unfinished = device
        elif not wait_ms and device.writes:
            self._first = device  # whatever the others are
            self._compared = len(self._devices)
            return 0
        self._compared += 1
        if wait_ms or device.has_work:
            return left - _SKIPPED
        self._compare(device, now_ms)
        return left - _COMPARED

    def _compare(self, device, now_ms):
        """Have this device go first if it is to be asked before the one that does.

        Of those that are not yet a second late, the one with the highest priority; of these, and
        of all that are later, the one whose deadline is first.
        """
        schedule = device.schedule
        if schedule.has_next:
            self._holds_ms = min(self._holds_ms, passed(schedule.next_ms, now_ms))
        late_ms = schedule.late_ms(now_ms)
        first = self._first
        if schedule.due_for_ms(now_ms) > _LATE_MS:
            late_ms += _LONGEST_INTERVAL_MS
        elif first is not None and self._late_ms <= _LATE_MS:
            if device.priority < first.priority:
                return
            if device.priority > first.priority:
                first = None
        if first is None or late_ms > self._late_ms:
            self._first = device
            self._late_ms = late_ms
