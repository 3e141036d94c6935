"""Keeper: the periodic work of a device. serve() calls its update() every PERIOD_MS.

It handles watchdog, fail-safe, LED, network, saving and restart. Nothing in it waits.
"""

import gc
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

PERIOD_MS = 50
_LONGEST_SILENCE_MS = const(1 << 28)  # beyond the longest fail-safe time
_SAVE_MS = const(50)  # after the order its answer has left, if nothing else is on the line
_SAVE_ANYHOW_MS = const(2000)  # on a line that is never silent
_RESTART_MS = const(500)
_COUNT_MEMORY_MS = const(
    60_000
)  # it takes a board up to 10 ms, during which it answers no request
_PAUSE_MS = const(1000)  # so that a master that sends a single request is not delayed
_ALIVE_MS = const(2000)  # the LED flashes so often without traffic
_BLINK_MS = const(128)  # and blinks like this in trouble


class Keeper:
    """Looks after a device: updates `state`, a DeviceState, and acts on it.

    make_safe     drives all outputs to their safe values
    save(new_settings)  writes the file of settings; say(text) reports what it raises
    failsafe_s    so long without a request that was carried out makes the outputs safe; 0: never
    led           called with a level, or None
    feed_watchdog  called at every update, or None
    network       an Interface, see network/interface.py, or None
    trial         a Trial, or None

    `drivers` are asked whether their lines are silent, and shut down for a restart.
    """

    def __init__(
        self,
        state,
        make_safe,
        save,
        say,
        *,
        failsafe_s=0,
        led=None,
        feed_watchdog=None,
        network=None,
        trial=None,
    ):
        self.drivers = ()
        self._state = state
        self._make_safe = make_safe
        self._save = save
        self._say = say
        self._failsafe_ms = failsafe_s * 1000
        self._led = led
        self._feed_watchdog = feed_watchdog
        self._network = network
        self._trial = trial
        self._carried_out = 0
        self._requests = 0
        self._level = 0  # of the LED
        self._updated_ms = self._second_ms = ticks_ms()
        self._memory_ms = self._updated_ms  # when the free memory was counted
        self._ordered_ms = None  # when a restart was ordered
        self._address = ""
        state.free_bytes = gc.mem_free()
        state.network_down = network is not None

    def update(self):
        """Do what is due."""
        now_ms = ticks_ms()
        elapsed_ms = ticks_diff(now_ms, self._updated_ms)
        self._updated_ms = now_ms
        if self._feed_watchdog is not None:
            self._feed_watchdog()
        self._watch_silence(elapsed_ms)
        if self._led is not None:
            self._show(now_ms)
        if ticks_diff(now_ms, self._second_ms) >= 1000:
            self._second_ms = ticks_add(self._second_ms, 1000)
            self._state.uptime_s += 1
            if self._network is not None:
                self._look_at_network()
            if self._trial is not None and self._trial.tick():
                self._trial = None
        if self._state.restarting or self._state.new_settings is not None:
            self._save_or_restart(now_ms)
        elif self._state.free_wanted:
            self._count_memory(now_ms)

    def close(self):
        """Leave the outputs safe and the LED dark."""
        self._make_safe()
        if self._led is not None:
            self._led(0)

    def _watch_silence(self, elapsed_ms):
        """Make the outputs safe after too long a time without a request that was carried out."""
        state = self._state
        if state.carried_out != self._carried_out:
            self._carried_out = state.carried_out
            state.silence_ms = 0
            state.fail_safe = False
            return
        state.silence_ms = min(state.silence_ms + elapsed_ms, _LONGEST_SILENCE_MS)
        if self._failsafe_ms and state.silence_ms >= self._failsafe_ms and not state.fail_safe:
            state.fail_safe = True
            self._make_safe()

    def _show(self, now_ms):
        """Set the LED: blinking in trouble, lit by traffic, a short flash now and then else."""
        state = self._state
        requests = state.requests()
        if state.fail_safe or state.network_down or state.problems:
            level = now_ms // _BLINK_MS & 1
        elif requests != self._requests:
            level = 1
        else:
            level = 1 if now_ms % _ALIVE_MS < PERIOD_MS else 0
        self._requests = requests
        if level != self._level:  # on some boards the LED is connected to the radio, and slow
            self._level = level
            self._led(level)

    def _look_at_network(self):
        self._state.network_down = not self._network.tick()
        address = self._network.address
        if address != self._address:
            self._address = address
            parts = [int(part) for part in (address or "0.0.0.0").split(".")]
            self._state.address = (parts[0] << 8 | parts[1], parts[2] << 8 | parts[3])

    def _count_memory(self, now_ms):
        """Count the free memory for a client that has read it: in a pause, or once a minute."""
        pause = self._state.silence_ms >= _PAUSE_MS
        due = pause or ticks_diff(now_ms, self._memory_ms) >= _COUNT_MEMORY_MS
        if due and self._silent():
            self._memory_ms = now_ms
            self._state.free_wanted = False
            self._state.free_bytes = gc.mem_free()

    def _silent(self):
        """Return whether nothing is being received or sent."""
        for driver in self.drivers:
            if driver.nap_ms() == 0:
                return False
        return True

    def _save_or_restart(self, now_ms):
        """Save new settings in a silence, as the chip receives nothing meanwhile; then restart."""
        if self._ordered_ms is None:
            self._ordered_ms = now_ms
        elapsed_ms = ticks_diff(now_ms, self._ordered_ms)
        if self._state.new_settings is None and self._state.ordered_settings is None:
            if elapsed_ms >= _RESTART_MS:
                for driver in self.drivers:
                    driver.shutdown()
        elif elapsed_ms >= _SAVE_ANYHOW_MS or (elapsed_ms >= _SAVE_MS and self._silent()):
            self._write_settings()

    def _write_settings(self):
        """Write new settings, and those that were ordered the next time: they change that file."""
        state = self._state
        is_order = state.new_settings is None
        why = ""
        try:
            self._save(state.ordered_settings() if is_order else state.new_settings)
        except Exception as error:  # noqa: BLE001 - it is reported, and the device goes on
            state.restarting = False
            state.ordered_settings = None
            why = str(error) or "no memory"
            problem = "the settings are not saved: {}".format(error)
            if problem not in state.problems:
                state.problems.append(problem)
            self._say(problem)
        if is_order:
            state.ordered_settings = None
        else:
            state.new_settings = None
            state.save_problem = why
        if not state.restarting:
            self._ordered_ms = None
