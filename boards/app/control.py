"""Holding registers 100 to 110: settings changed by a client, and the order to restart."""

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
    """The blocks `settings` and `order`. `restarting` is true once a client has ordered that.

    save(changes) keeps a dict of settings; what it raises becomes exception 4.
    """

    def __init__(self, settings, save):
        self._save = save
        self.restarting = False
        self.settings = Registers(_SETTINGS, len(_REGISTERS), validate=self._fits)
        self.order = Registers(_ORDER, 1, validate=self._is_order, on_write=self._obey)
        for i in range(len(_REGISTERS)):
            self.settings[_SETTINGS + i] = self._encode(settings, _REGISTERS[i][0])
        self._saved = [self.settings[_SETTINGS + i] for i in range(len(_REGISTERS))]

    @staticmethod
    def _encode(settings, key):
        value = settings[key]
        if key == "baudrate":
            return value // 100
        return _PARITIES.index(value) if key == "parity" else value

    @property
    def changed(self):
        """Has a client changed a setting that is not in use yet?"""
        for i in range(len(_REGISTERS)):
            if self.settings[_SETTINGS + i] != self._saved[i]:
                return True
        return False

    @staticmethod
    def _fits(address, value):
        _, low, high = _REGISTERS[address - _SETTINGS]
        return low <= value <= high

    @staticmethod
    def _is_order(address, value):
        return value in (_SAVE_AND_RESTART, _RESTART)

    def _obey(self, address, quantity):
        order = self.order[_ORDER]
        self.order[_ORDER] = 0
        if order == _SAVE_AND_RESTART:
            self._save(self._changes())
        self.restarting = True

    def _changes(self):
        """What a client has changed, as settings; the rest of the file stays as it is."""
        changes = {}
        for i in range(len(_REGISTERS)):
            key = _REGISTERS[i][0]
            value = self.settings[_SETTINGS + i]
            if value != self._saved[i]:
                if key == "baudrate":
                    value *= 100
                changes[key] = _PARITIES[value] if key == "parity" else value
        return changes
