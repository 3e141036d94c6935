"""Uplink: what every driver shares that publishes points: sources, time, what has changed."""

import sys
from time import sleep_ms, ticks_add, ticks_diff, ticks_ms

from micropython import const

from ..check import function, integer, wrong
from .devices import PolledDevice, StoredDevice

_LOOKS_MS = const(100)  # how often the values of a store are looked at
_LOOK_AT_ONCE = const(4)  # points of a store that are looked at in one poll()
_LONGEST_NAP_MS = const(500)
_LONGEST_INTERVAL_MS = const(500_000_000)  # ticks_ms() wraps after a bit more


class Uplink:
    """A driver that publishes the points of a source. What the topics are is for its subclasses:

    begin_session()   the broker has accepted a connection
    has_news()        return whether there is something to be published
    publish()         publish what is most urgent. Returns False if there was no room for it
    refuse(device, i, error)   a command to point number i could not be carried out
    changed(device, i)   point number i has another value
    """

    gone = False
    lines = 0

    def __init__(self, source, mqtt, devices, interval_ms, period_ms, history, on_error):
        integer("interval_ms", interval_ms, 0, _LONGEST_INTERVAL_MS)
        if period_ms is not None:
            integer("period_ms", period_ms, 1000, _LONGEST_INTERVAL_MS)
        integer("history", history, 1, 65535)
        function("on_error", on_error)
        if not (devices is None or isinstance(devices, dict)):
            raise wrong("devices", devices, "a dict of names and devices, or None")
        if not hasattr(mqtt, "publish"):
            raise wrong("mqtt", mqtt, "an umb.bridge.mqtt.MQTT or its like")
        self.mqtt = mqtt
        self.interval_ms = interval_ms
        self.period_ms = period_ms
        self.on_error = on_error
        self.alone = True
        self.stopping = False
        self.devices = []
        self.history = None  # a History if a point has one
        self._sessions = 0  # how many of mqtt's sessions were begun here
        self._poller = None
        self._told_error = ""
        self._stored = None  # the StoredDevice, if there is one
        self._looking = False  # at its values
        self._refused = False  # mqtt had no room for the last message
        self._interval_at_ms = self._period_at_ms = self._look_at_ms = self.now_ms()
        pollers = source if isinstance(source, (tuple, list)) else (source,)
        if pollers and all(hasattr(poller, "devices") for poller in pollers):
            self._add_polled(pollers, devices)
        elif hasattr(source, "points") and hasattr(source, "areas"):
            self._add_stored(source, devices)
        else:
            raise wrong("source", source, "a Poller, a tuple of them, or a PointStore")
        for device in self.devices:
            for i in range(len(device.points)):
                if device.points.has_history(i) and self.history is None:
                    from .history import History

                    self.history = History(history, self.now_ms())

    def _add_polled(self, pollers, devices):
        polled = [device for poller in pollers for device in poller.devices]
        if devices is None:
            devices = {str(device.slave_id): device for device in polled}
            if len(devices) < len(polled):
                raise ValueError("two devices have one slave id: devices={name: device} is needed")
        for name in devices:
            if devices[name] not in polled:
                raise wrong("devices", devices, "a dict of names, and of devices of the Poller")
            self.devices.append(PolledDevice(name, devices[name], self.interval_ms > 0))
        for poller in pollers:
            poller.on_change = self._chained(self._poller_change, poller.on_change)
            poller.on_error = self._chained(self._poller_error, poller.on_error)

    @staticmethod
    def _chained(first, second):
        """Return a hook of a Poller that calls both of these."""
        if second is None:
            return first

        def both(*arguments):
            first(*arguments)
            second(*arguments)

        return both

    def _add_stored(self, store, devices):
        if devices is None:
            devices = {"io": store}
        if list(devices.values()) != [store]:
            raise wrong("devices", devices, "{name: store}, of the store that is the source")
        for name in devices:
            self._stored = StoredDevice(name, store, self.interval_ms > 0, self.changed)
            self.devices.append(self._stored)

    def now_ms(self):
        """Return the time in milliseconds, as time.ticks_ms() has it."""
        return ticks_ms()

    # --- what a driver has, see umb.serve

    def poll(self, wait_ms: int = 0) -> int:
        """Go on with what can be done; with wait_ms, sleep so long at most first. Returns 0."""
        if wait_ms:
            self._sleep(min(wait_ms, self.nap_ms()))
        self.mqtt.poll()
        self._keep_time()
        if not self.mqtt.connected:
            self._tell_error()
            return 0
        if self._sessions != self.mqtt.sessions:
            self._sessions = self.mqtt.sessions
            self._told_error = ""
            self.begin_session()
        self._refused = not self.publish()
        return 0

    def nap_ms(self) -> int:
        """Return for how many milliseconds poll() need not be called, see umb.serve."""
        if self._looking:
            return 0
        if (
            self.mqtt.connected
            and not self._refused
            and (self._sessions != self.mqtt.sessions or self.has_news())
        ):
            return 0
        now_ms = self.now_ms()
        nap_ms = min(self.mqtt.nap_ms(), _LONGEST_NAP_MS)
        if self.interval_ms:
            nap_ms = min(nap_ms, ticks_diff(self._interval_at_ms, now_ms))
        if self._stored is not None:
            nap_ms = min(nap_ms, ticks_diff(self._look_at_ms, now_ms))
        return max(0, nap_ms)

    def _sleep(self, ms):
        if self._poller is None:
            sleep_ms(ms)
            return
        for _ in self._poller.ipoll(ms):
            return

    def watch(self, poller) -> None:
        """Use this select.poll from now on, see umb.serve."""
        self._poller = poller
        self.mqtt.watch(poller)

    def finish(self) -> None:
        """Do nothing: no frame is left half-sent on a bus. See umb.serve."""

    def server_close(self) -> None:
        """Hang up, so that the broker publishes that this board is offline."""
        self.mqtt.close()

    def serve_forever(self) -> None:
        """Serve alone until shutdown() is called; a Poller needs serve(poller, bridge)."""
        from ..serve import serve

        serve(self)

    def shutdown(self) -> None:
        """End serve_forever() or serve()."""
        self.stopping = True

    def _tell_error(self):
        """Call on_error if it is a new error that keeps the board from its broker."""
        error = self.mqtt.error
        if error != self._told_error:
            self._told_error = error
            self.tell(error)

    def tell(self, text):
        """Call on_error with a text, None: all is well. What it raises is printed."""
        if self.on_error is not None:
            try:
                self.on_error(text)
            except Exception as error:  # noqa: BLE001 - whatever a hook does, this goes on
                sys.print_exception(error)

    # --- time

    def _keep_time(self):
        """Begin intervals and periods that are due, and look at the values of a store."""
        now_ms = self.now_ms()
        if self.history is not None:
            self.history.keep_time(now_ms)
        if self.interval_ms and ticks_diff(now_ms, self._interval_at_ms) >= 0:
            self._interval_at_ms = ticks_add(now_ms, self.interval_ms)
            for device in self.devices:
                device.renew()
        if self.period_ms is not None and ticks_diff(now_ms, self._period_at_ms) >= 0:
            self._period_at_ms = ticks_add(now_ms, self.period_ms)
            for device in self.devices:
                for i in range(len(device.points)):
                    device.mark(i)
        if self._stored is None:
            return
        if ticks_diff(now_ms, self._look_at_ms) >= 0:
            self._look_at_ms = ticks_add(now_ms, _LOOKS_MS)
            self._looking = True
        if self._looking:
            self._looking = not self._stored.look(_LOOK_AT_ONCE)

    # --- what has changed

    def _find(self, polled):
        """Return the PolledDevice of a device of the Poller, None if it is not published."""
        for device in self.devices:
            if device.device is polled:
                return device
        return None

    def _poller_change(self, polled, name, _value):
        device = self._find(polled)
        if device is not None:
            self.changed(device, polled.points.index(name))

    def _poller_error(self, polled, name, error):
        device = self._find(polled)
        if device is not None:
            self.refuse(device, polled.points.index(name), error)
