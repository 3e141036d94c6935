"""Access: what networks may do. Loaded where there is one."""

from micropython import const

_FIRST = const(100)  # the holding registers with settings and the order
_LAST = const(110)
_OPEN_S = const(120)  # so long after a power-up a new board can be set up
_POWER = const(1)  # reset causes, see hardware.py
_RESET = const(2)
_FIRST_WRITE = const(5)  # function codes 1 to 4 read
_OTHER_READS = const(b"\x07\x0b\x0c\x11\x14\x18\x2b")
_OF_COILS = const(b"\x05\x0f")


class Access:
    """Decides about the requests of networks, see permit of umb.server.Server.

    settings   have slave_id, read_only, and settings: "locked" or "open"
    state      the DeviceState: its `denied` counts what is refused

    A serial line may do everything.
    """

    def __init__(self, settings, state, reset_cause):
        self._state = state
        self._slave_id = settings["slave_id"]
        self._is_read_only = settings["read_only"]
        self._locks = settings["settings"] != "open"
        self._open_s = _OPEN_S if reset_cause in (_POWER, _RESET) else 0

    def permits(self, slave_id, function_code, address, quantity, link):
        """Return whether a request for the device itself, or for a slave, may be carried out."""
        if function_code < _FIRST_WRITE or link.serial or function_code in _OTHER_READS:
            return True
        if not self._is_read_only and (
            slave_id != self._slave_id or not self._is_locked(function_code, address, quantity)
        ):
            return True
        self._state.denied = self._state.denied + 1 & 0xFFFF
        return False

    def _is_locked(self, function_code, address, quantity):
        """Return whether this would write to settings while that is locked."""
        return (
            self._locks
            and address is not None
            and function_code not in _OF_COILS
            and address <= _LAST
            and address + quantity > _FIRST
            and self._state.uptime_s >= self._open_s
        )
