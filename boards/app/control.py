"""Holding registers 100 to 110: settings that a client changes, and the order to restart."""

from micropython import const

from umb.store import Registers

_SETTINGS = const(100)
_ORDER = const(110)
_SAVE_AND_RESTART = const(0x5AFE)
_RESTART = const(0xB007)
_PARITIES = "NOE"  # 0, 1, 2
KEYS = ("slave_id", "baudrate", "parity", "stop")  # the settings of the serial line
# What registers 100 to 104 hold: (setting, lowest, highest); the baudrate in hundreds.
_REGISTERS = (
    ("slave_id", 1, 247),
    ("baudrate", 3, 40000),
    ("parity", 0, 2),
    ("stop", 1, 2),
    ("failsafe_s", 0, 65535),
)


class Control:
    """The block of these registers. A broadcast is refused: it would reach every device.

    compose   compose(changes) returns the new content of the file of settings. The Keeper has it
              called, and writes that, when the answer to the order has left
    """

    def __init__(self, settings, compose, state):
        self._kept = None  # the settings of the serial line, if it is tried with new ones
        if settings["role"] == "io" and settings["rtu"]:
            self._kept = {key: settings[key] for key in KEYS}
            self._previous = settings["previous"] or {}  # those that the last try began with
        self._compose = compose
        self._state = state
        self._new_content = self._new_content  # bound once: a bound method is an allocation
        self.block = block = Registers(
            _SETTINGS, _ORDER - _SETTINGS + 1, validate=self._is_good, on_write=self._written
        )
        for i in range(len(_REGISTERS)):
            block[_SETTINGS + i] = encode(settings, _REGISTERS[i][0])
        self._saved = bytes(block.data)

    def _is_good(self, address, value):
        if self._state.broadcast:
            return False
        if address == _ORDER:
            return value in (_SAVE_AND_RESTART, _RESTART)
        address -= _SETTINGS
        if address >= len(_REGISTERS):
            return False
        return _REGISTERS[address][1] <= value <= _REGISTERS[address][2]

    def _written(self, address, quantity):
        state = self._state
        state.changed(state.link.peer)
        if address + quantity > _ORDER:
            self._take_order(state)
        state.unsaved = self.block.data != self._saved

    def _take_order(self, state):
        """Note an order. The file is read and written when the answer has left.

        A later order takes back what this one saves, but nothing that others do.
        """
        saves = self.block[_ORDER] == _SAVE_AND_RESTART
        state.ordered_settings = self._new_content if saves else None
        state.restarting = True
        self.block[_ORDER] = 0  # what a client reads

    def _new_content(self):
        changes = self.changes()
        self._keep_previous(changes)
        return self._compose(changes)

    def changes(self):
        """Return the settings that clients have changed; the rest of the file stays as it is."""
        changes = {}
        saved = self._saved
        for i in range(len(_REGISTERS)):
            key = _REGISTERS[i][0]
            value = self.block[_SETTINGS + i]
            if value != saved[2 * i] << 8 | saved[2 * i + 1]:
                if key == "baudrate":
                    value *= 100
                changes[key] = _PARITIES[value] if key == "parity" else value
        return changes

    def _keep_previous(self, changes):
        """Have the settings of the serial line return unless somebody asks over it: see trial.py.

        If the last ones were not confirmed either, the ones before return.
        """
        if self._kept is not None:
            previous = {key: self._kept[key] for key in KEYS if key in changes}
            previous.update(self._previous)
            if previous:
                changes["previous"] = previous


def encode(settings, key):
    """Return a setting as its register holds it."""
    value = settings[key]
    if key == "baudrate":
        return value // 100
    return _PARITIES.index(value) if key == "parity" else value
