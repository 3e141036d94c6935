"""Choice: which device is asked next."""

from micropython import const

from .ticks import passed

_AT_ONE_TIME = const(3)  # devices that are compared in one poll()
_LATE_MS = const(1000)  # after so long a device of low priority goes first
_LONGEST_NAP_MS = const(500)
_LONGEST_INTERVAL_MS = const(500_000_000)  # more than any lateness
_SWEEP_MS = const(1 << 26)  # so often ages are looked at before the clock wraps


class Choice:
    """Chooses the device that a Poller asks next, a few of them compared at a time.

    device    the one that was chosen, None: none is due, or is_open
    is_open   whether one is being chosen: go_on() is to be called
    """

    def __init__(self, client, devices):
        self.device = None
        self.is_open = False
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

    def is_asking(self):
        """Return whether a device was chosen, or is being chosen."""
        return self.is_open or self.device is not None

    def holds(self, now_ms):
        """Return whether the device that was chosen still is the one, and may be asked now."""
        return passed(now_ms, self._begin_ms) < self._holds_ms and self._is_ready(
            self.device, now_ms
        )

    def go_on(self, now_ms):
        """Compare some devices. When all were compared, the one that goes first is chosen."""
        i = self._compared
        if i == 0:
            self._begin_ms = now_ms
            self._holds_ms = _LONGEST_NAP_MS
        now_ms = self._begin_ms
        end = min(i + _AT_ONE_TIME, len(self._devices))
        while i < end:
            if self._consider(self._devices[i], now_ms):
                end = i = len(self._devices)
            else:
                i += 1
        self._compared = i
        if i == len(self._devices):
            self.is_open = False
            self.device = self._first

    def nap_ms(self, now_ms):
        """Return for how many milliseconds no device need be asked."""
        nap_ms = _LONGEST_NAP_MS
        i = len(self._devices)
        while i:
            i -= 1
            nap_ms = min(nap_ms, self._nap_ms(self._devices[i], now_ms))
        return nap_ms

    def _nap_ms(self, device, now_ms):
        """Return for how many milliseconds this device need not be asked."""
        if device.schedule.is_idle:
            return _LONGEST_NAP_MS
        wait_ms = passed(device.schedule.at_ms, now_ms)
        if wait_ms > 0:
            return wait_ms
        is_paused = self._client.pause_left_ms(device.slave_id, now_ms)
        return self._client.nap_ms() if is_paused else 0

    def _consider(self, device, now_ms):
        """Compare a device with the one that goes first. Returns whether it has to be this one."""
        self._look_after(device, now_ms)
        if not self._is_ready(device, now_ms):
            self._holds_ms = min(self._holds_ms, self._nap_ms(device, now_ms))
            return False
        if device.writes:
            self._first = device
            return True
        self._compare(device, now_ms)
        return False

    def _look_after(self, device, now_ms):
        """Start a device, and mark its old values from time to time."""
        schedule = device.schedule
        if not schedule.started:
            schedule.start(now_ms)
            device.finish()
        elif passed(now_ms, schedule.swept_ms) > _SWEEP_MS:
            device.forget_old(now_ms)

    def _is_ready(self, device, now_ms):
        """Return whether a device is to be asked, and may be asked now."""
        schedule = device.schedule
        return not (
            schedule.is_idle
            or passed(now_ms, schedule.at_ms) < 0
            or self._client.pause_left_ms(device.slave_id, now_ms)
        )

    def _compare(self, device, now_ms):
        """Have this device go first if it is to be asked before the one that does.

        Of those that are not yet a second late, the one with the highest priority; of these, and
        of all that are later, the one whose deadline is first.
        """
        late_ms = device.schedule.choose(now_ms)
        self._holds_ms = min(self._holds_ms, device.schedule.holds_ms)
        if late_ms is None:
            return
        first = self._first
        if device.schedule.due_for_ms(now_ms) > _LATE_MS:
            late_ms += _LONGEST_INTERVAL_MS
        elif first is not None and self._late_ms <= _LATE_MS:
            if device.priority < first.priority:
                return
            if device.priority > first.priority:
                first = None
        if first is None or late_ms > self._late_ms:
            self._first = device
            self._late_ms = late_ms
