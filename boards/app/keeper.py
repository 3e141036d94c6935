"""Keeper: what has to be done beside requests, as a driver that stands in serve() with the others.

Watchdog, fail-safe, LED, WiFi and restart: each gets its turn every 50 ms, and nothing waits.
"""

from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from micropython import const

from umb.server import Driver

_TURN_MS = const(50)
_LONG_MS = const(1 << 28)  # silence is counted so far: longer than fail-safe's longest time
_RESTART_MS = const(500)  # after the order: its answer leaves first
_LIFE_MS = const(2000)  # the LED's flash without traffic, one turn long
_TROUBLE_MS = const(128)  # its blinking in trouble


class Keeper(Driver):
    """Looks after `device` (see Application), which has requests, valid, trouble and make_safe().

    led and feed are callables or None; failsafe_s 0: never; wifi has tick() or is None.
    """

    def __init__(self, device, failsafe_s, led=None, feed=None, wifi=None):
        self.stopping = False  # all that it needs of a Driver that answers nobody
        self.uptime_s = 0
        self.silence_ms = 0  # since the last valid request
        self.fail_safe = False  # outputs are safe, because masters are silent
        self._device = device
        self._failsafe_ms = failsafe_s * 1000
        self._led = led
        self._feed = feed
        self._wifi = wifi
        self._valid = 0
        self._requests = 0
        self._second_ms = self._turn_ms = ticks_ms()
        self._restart_ms = None
        self._level = 0  # of the LED

    def join(self, first):
        """It wakes nobody."""

    def nap_ms(self):
        return _TURN_MS

    def poll(self, wait_ms=0):
        """Do what is due. Returns 0: it answers no requests."""
        now_ms = ticks_ms()
        elapsed_ms = ticks_diff(now_ms, self._turn_ms)
        if elapsed_ms >= _TURN_MS:
            self._turn_ms = now_ms
            self._turn(now_ms, elapsed_ms)
        elif wait_ms:  # it is alone
            sleep_ms(wait_ms)
        return 0

    def server_close(self):
        """Leave the outputs safe and the LED dark."""
        self._device.make_safe()
        if self._led is not None:
            self._led(0)

    def _turn(self, now_ms, elapsed_ms):
        if self._feed is not None:
            self._feed()
        device = self._device
        self._listen(device.valid, elapsed_ms)
        if self._led is not None:
            self._shine(now_ms, device)
        self._requests = device.requests
        if ticks_diff(now_ms, self._second_ms) >= 1000:
            self._second_ms = ticks_add(self._second_ms, 1000)
            self.uptime_s += 1
            if self._wifi is not None:
                self._wifi.tick()
        if device.restarting:
            if self._restart_ms is None:
                self._restart_ms = now_ms
            elif ticks_diff(now_ms, self._restart_ms) >= _RESTART_MS:
                self.stopping = True

    def _listen(self, valid, elapsed_ms):
        """Count the silence; a count of valid requests that has changed ends it."""
        if valid != self._valid:
            self._valid = valid
            self.silence_ms = 0
            self.fail_safe = False
            return
        self.silence_ms = min(self.silence_ms + elapsed_ms, _LONG_MS)
        if self._failsafe_ms and self.silence_ms >= self._failsafe_ms and not self.fail_safe:
            self.fail_safe = True
            self._device.make_safe()

    def _shine(self, now_ms, device):
        if device.trouble:
            level = now_ms // _TROUBLE_MS & 1
        elif device.requests != self._requests:
            level = 1
        else:
            level = 1 if now_ms % _LIFE_MS < _TURN_MS else 0
        if level != self._level:  # on some boards the LED hangs on the radio
            self._level = level
            self._led(level)
