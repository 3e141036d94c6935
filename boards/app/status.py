"""Input registers from 100 on: the state of the device, and the counters of its lines."""

import sys
from struct import pack_into

from micropython import const

import umb
from umb.store import Registers

_START = const(100)
_MEMORY = const(112)
_ADDRESS = const(114)
_RESET_CAUSE = const(116)
_VERSION = const(117)
_BANKS = const(130)  # where the counters of the first line begin
_BANK = const(10)  # from there to those of the next one
_ACCESS = const(42)  # and where 121 is
_UNUSED = const(2)  # registers at the end of a bank
_STATE = const(20)  # where in the data of the block register 110 is
# The order of function code 8's sub-functions 0x0B to 0x12 (AP 6.8).
OF_SERVER = (
    "bus_message_count",
    "bus_communication_error_count",
    "bus_exception_error_count",
    "server_message_count",
    "server_no_response_count",
    "server_nak_count",
    "server_busy_count",
    "bus_character_overrun_count",
)


class Status:
    """A block of input registers that reports `state`, a DeviceState, and constants.

    banks   of counters: pairs of an object, and the names of what it counts, from 0 to 65535; None
            where nothing is counted. Bank n begins at register 130 + 10 * n
    """

    def __init__(self, state, reset_cause, banks):
        self._state = state
        self.banks = [None] * banks
        end = _BANKS + _BANK * banks - _UNUSED
        self.block = block = Registers(_START, end - _START, on_read=self._report)
        block[_RESET_CAUSE] = reset_cause
        put_version(block, _VERSION, umb.__version__.split("."))
        put_version(block, _VERSION + 2, sys.implementation[1])

    def _report(self, address, quantity):
        quantity += address
        if address < _BANKS:
            self._report_state()
            if address < _ADDRESS and quantity > _MEMORY:
                self._state.free_wanted = True
            address = _BANKS
        while address < quantity:
            self._report_counter(address)
            address += 1

    def _report_state(self):
        state = self._state
        data = self.block.data
        pack_into(">IH", data, 0, state.uptime_s, state.requests())
        pack_into(">HH", data, _STATE, state.bits(), min(state.silence_ms // 1000, 65535))
        pack_into(">IHH", data, _STATE + 4, state.free_bytes, state.address[0], state.address[1])
        pack_into(">HH", data, _ACCESS, state.refused(), state.turned_away())
        pack_into(">HH", data, _ACCESS + 4, state.denied, state.changes)

    def _report_counter(self, address):
        bank = self.banks[(address - _BANKS) // _BANK]
        if bank is not None:
            i = (address - _BANKS) % _BANK
            if i < len(bank[1]):
                value = getattr(bank[0], bank[1][i])
                pack_into(">H", self.block.data, 2 * (address - _START), value)


def put_version(block, at, version):
    """Put a version, three numbers or digits, into two registers."""
    block[at] = int(version[0]) << 8 | int(version[1])
    block[at + 1] = int(version[2])
