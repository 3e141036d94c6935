"""Input registers from 100 on: the state of the device, and the counters of its lines."""

import sys
from struct import pack_into

from micropython import const

import umb
from umb.store import Registers

_START = const(100)
_STATE = const(110)
_MEMORY = const(112)
_ADDRESS = const(114)
_RESET_CAUSE = const(116)
_VERSION = const(117)
_ACCESS = const(121)
_BANKS = const(130)  # where the counters of the first line begin
_BANK = const(10)  # from there to those of the next one
_UNUSED = const(2)  # registers at the end of a bank


class Status:
    """A block of input registers that reports `state`, a DeviceState, and constants.

    banks   of counters: (an object, the names of what it counts, what puts that into registers),
            None where nothing is counted. Bank n begins at register 130 + 10 * n
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
        """Bring what a client reads up to date, and little else: it waits for the answer."""
        quantity += address
        if address < _BANKS:
            self._report_state(address, quantity)
            address = _BANKS
        while address < quantity:
            address = self._report_bank((address - _BANKS) // _BANK)

    def _report_state(self, address, end):
        state = self._state
        if address < _STATE:
            self._report_work(state, self.block.data)
        if end > _STATE and address < _RESET_CAUSE:
            self._report_device(state, self.block.data)
            if address < _ADDRESS and end > _MEMORY:
                state.free_wanted = True
        if end > _ACCESS:
            self._report_access(state, self.block.data)

    @staticmethod
    def _report_work(state, data):
        pack_into(">IH", data, 0, state.uptime_s, state.requests())

    @staticmethod
    def _report_device(state, data):
        at = 2 * (_STATE - _START)
        pack_into(">HH", data, at, state.bits(), min(state.silence_ms // 1000, 65535))
        pack_into(">IHH", data, at + 4, state.free_bytes, state.address[0], state.address[1])

    @staticmethod
    def _report_access(state, data):
        at = 2 * (_ACCESS - _START)
        pack_into(">HH", data, at, state.refused(), state.turned_away())
        pack_into(">HH", data, at + 4, state.denied, state.changes)

    def _report_bank(self, number):
        """Bring the counters of a bank up to date. Returns where the next bank begins."""
        bank = self.banks[number]
        number = _BANKS + _BANK * number
        if bank is not None:
            bank[2](self.block.data, 2 * (number - _START), bank[0])
        return number + _BANK


def put_of_server(data, at, counters):
    """Put what COUNTERS of umb.functions.diagnostics names into eight registers at data[at:]."""
    # Four at a time: the frame of this function would be on the heap otherwise.
    pack_into(
        ">HHHH",
        data,
        at,
        counters.bus_message_count,
        counters.bus_communication_error_count,
        counters.bus_exception_error_count,
        counters.server_message_count,
    )
    pack_into(
        ">HHHH",
        data,
        at + 8,
        counters.server_no_response_count,
        counters.server_nak_count,
        counters.server_busy_count,
        counters.bus_character_overrun_count,
    )


def put_version(block, at, version):
    """Put a version, three numbers or digits, into two registers."""
    block[at] = int(version[0]) << 8 | int(version[1])
    block[at + 1] = int(version[2])
