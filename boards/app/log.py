"""Log: what is going on, printed. Loaded if the setting "log" is "events" or "all".

Lines are printed when the Keeper is due, not while a request is answered.
"""

from time import ticks_diff, ticks_ms

from micropython import const

from umb.port.hosts import host_filter
from umb.server.tcp import CLOSED_HERE

from .state import THE_PAGE

_WINDOW_MS = const(10_000)  # errors are counted for so long
_FEW = const(3)  # wrong frames, or requests without a reply, that prove nothing
_SILENT_S = const(60)  # a line on which nothing is heard for so long may be dead
_AGAIN_S = const(60)  # a warning is repeated after so long
_REASONS = (
    "it closed the connection",
    "it sent nothing for too long",
    "another one needed its place",
    "it sent what is no Modbus frame",
)


class Log:
    """Prints the events of an Application, and every request if the setting "log" is "all"."""

    def __init__(self, application):
        self._application = application
        self._say = application.say
        self._trace = None
        self._outputs = []  # (name of one, block, what was in it)
        self._lines = []
        self._changes = self._denied = 0
        self._window_ms = ticks_ms()
        if application.settings["log"] == "all":
            from .trace import Trace

            self._trace = Trace(application.say)

    def traced(self, handler):
        """Return what answers as this handler does, and prints that."""
        if self._trace is None:
            return handler
        from .trace import TracedHandler

        return TracedHandler(handler, self._trace)

    def watch_client(self, name, client):
        """Print what a Poller asks through this client."""
        if self._trace is not None:
            from .trace import trace_client

            trace_client(client, name, self._trace)

    def watch_outputs(self, name, block):
        """Print what changes in a block of the device: outputs."""
        self._outputs.append([name, block, bytes(block.data)])

    def watch_server_line(self, name, counters):
        """Warn of wrong frames on a serial line that is served, and of silence."""

        def look():
            return counters.bus_message_count, counters.bus_communication_error_count, 0

        self._lines.append(_Line(name, look, True))

    def watch_client_line(self, name, counters):
        """Warn of slaves that do not answer on a line, or wrongly: counters of a Gateway."""

        def look():
            return counters.reply_count, counters.bad_reply_count, counters.no_reply_count

        self._lines.append(_Line(name, look, False))

    def watch_poller(self, name, poller):
        """Warn of a line on which no device of a Poller answers, or all of them do wrongly."""

        def look():
            good = wrong = silent = 0
            for device in poller.devices:
                good += device.answer_count
                wrong += device.wrong_reply_count
                silent += device.timeout_count
            return good, wrong, silent

        self._lines.append(_Line(name, look, False))

    def watch_clients(self, driver):
        """Print which clients of a TCPServer come and go."""
        driver.on_connect = self._came

        def went(peer):
            if driver.reason != CLOSED_HERE:
                self._say("{}:{} disconnected: {}".format(*peer, _REASONS[driver.reason]))

        driver.on_disconnect = went

    def allow(self, allow):
        """Return what is the same as a parameter `allow` of servers, and prints who is refused."""
        if allow is None:
            return None
        is_allowed = host_filter(allow)

        def check(host):
            if is_allowed(host):
                return True
            self._say("{} was refused: it is not in the setting allow".format(host))
            return False

        return check

    def _came(self, peer):
        self._say("{}:{} connected".format(*peer))

    def update_after(self, update):
        """Return a function that calls update(), and prints what has happened."""

        def updated():
            update()
            self._update()

        return updated

    def _update(self):
        if self._trace is not None:
            self._trace.print()
        for output in self._outputs:
            name, block, before = output
            if block.data != before:
                output[2] = now = bytes(block.data)
                self._print_changes(name, block, before, now)
        state = self._application.state
        if state.changes != self._changes:
            self._changes = state.changes
            self._say(self._what_has_changed(state))
        if state.denied != self._denied:
            count = state.denied - self._denied & 0xFFFF
            self._denied = state.denied
            self._say("{} requests were refused: networks may not do that".format(count))
        now_ms = ticks_ms()
        if ticks_diff(now_ms, self._window_ms) >= _WINDOW_MS:
            self._window_ms = now_ms
            for line in self._lines:
                text = line.problem()
                if text:
                    self._say(text)

    def _what_has_changed(self, state):
        """Return who has changed which settings, and what becomes of them."""
        who = state.changed_by
        if who == THE_PAGE:
            return "settings were saved on the page: they hold after a restart"
        who = "a master on the serial line" if who is None else "{}:{}".format(*who)
        if state.restarting:
            saves = state.ordered_settings is not None
            text = "{} has ordered to save the settings, and a restart"
            return (text if saves else "{} has ordered a restart").format(who)
        changes = self._application.control.changes()
        if not changes:
            return "{} has undone the changes of settings".format(who)
        what = ", ".join("{} to {}".format(key, changes[key]) for key in sorted(changes))
        order = "order 0x5AFE in holding register 110 saves that, a restart undoes it"
        return "{} has changed {}: {}".format(who, what, order)

    def _print_changes(self, name, block, before, now):
        for i in range(len(block)):
            if block.bits == 1:
                was, is_now = (data[i >> 3] >> (i & 7) & 1 for data in (before, now))
            else:
                was, is_now = (data[2 * i] << 8 | data[2 * i + 1] for data in (before, now))
            if was != is_now:
                self._say("{} {}: {}".format(name, block.start + i, is_now))


class _Line:
    """Watches what is counted of a serial line, and finds out what may be wrong with it.

    look     look() returns the counts of good frames, wrong ones, and requests without a reply
    serves   whether it is served: then a silence tells something
    """

    def __init__(self, name, look, serves):
        self._name = name
        self._look = look
        self._serves = serves
        self._last = look()
        self._quiet = 0  # windows in which nothing was heard
        self._pause = 0  # windows in which nothing is said

    def problem(self):
        """Return what is likely wrong, None for nothing; to be called every ten seconds."""
        now = self._look()
        good, wrong, silent = (now[i] - self._last[i] & 0xFFFF for i in range(3))
        self._last = now
        self._quiet = 0 if good or wrong or not self._serves else self._quiet + 1
        if self._pause:
            self._pause -= 1
            return None
        text = None
        if wrong > _FEW and wrong > good:
            text = "{}: {} frames with wrong CRC in 10 s: baud rate or parity?"
        elif silent > _FEW and not good:
            text = "{}: {} requests without an answer in 10 s: wiring, baud rate or parity?"
        elif self._quiet * 10 == _SILENT_S:
            text = "{}: nothing was received for {} s: no master, or A and B swapped?"
        if text is None:
            return None
        self._pause = _AGAIN_S // 10 - 1
        return text.format(self._name, wrong if wrong > _FEW else silent or _SILENT_S)
