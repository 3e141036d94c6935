"""Holding registers 100 to 110: settings that a client changes, and the order to restart."""

from micropython import const

from umb.store import Registers

_SETTINGS = const(100)
_ORDER = const(110)
_SAVE_AND_RESTART = const(0x5AFE)
_RESTART = const(0xB007)
_PARITIES = "NOE"  # 0, 1, 2
# What registers 100 to 104 hold: (setting, lowest, highest); the baudrate in hundreds.
_REGISTERS = (
    ("slave_id", 1, 247),
    ("baudrate", 3, 40000),
    ("parity", 0, 2),
    ("stop", 1, 2),
    ("failsafe_s", 0, 65535),
)


class Control:
    """The blocks `settings` and `order`. A broadcast is refused: it would reach every device.

    compose(changes) returns the new content of the file of settings, and writes nothing yet; what
    it raises becomes exception 4. The Keeper writes it when the answer has left.
    """

    def __init__(self, settings, compose, state):
        self._compose = compose
        self._state = state
        self.settings = Registers(
            _SETTINGS, len(_REGISTERS), validate=self._is_setting, on_write=self._compare
        )
        self.order = Registers(_ORDER, 1, validate=self._is_order, on_write=self._obey)
        for i in range(len(_REGISTERS)):
            self.settings[_SETTINGS + i] = encode(settings, _REGISTERS[i][0])
        self._saved = bytes(self.settings.data)

    def _is_setting(self, address, value):
        entry = _REGISTERS[address - _SETTINGS]
        return not self._state.broadcast and entry[1] <= value <= entry[2]

    def _is_order(self, address, value):
        return not self._state.broadcast and value in (_SAVE_AND_RESTART, _RESTART)

    def _compare(self, address, quantity):
        self._state.unsaved = self.settings.data != self._saved

    def _obey(self, address, quantity):
        order = self.order[_ORDER]
        self.order[_ORDER] = 0  # what a client reads
        state = self._state
        state.new_settings = self._compose(self._changes()) if order == _SAVE_AND_RESTART else None
        state.restarting = True

    def _changes(self):
        """Return the settings that clients have changed; the rest of the file stays as it is."""
        changes = {}
        saved = self._saved
        for i in range(len(_REGISTERS)):
            key = _REGISTERS[i][0]
            value = self.settings[_SETTINGS + i]
            if value != saved[2 * i] << 8 | saved[2 * i + 1]:
                if key == "baudrate":
                    value *= 100
                changes[key] = _PARITIES[value] if key == "parity" else value
        return changes


def encode(settings, key):
    """Return a setting as its register holds it."""
    value = settings[key]
    if key == "baudrate":
        return value // 100
    return _PARITIES.index(value) if key == "parity" else value
