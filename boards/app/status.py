"""Input registers from 100 on: the state of the device, and the counters of its lines."""

import sys
from struct import pack_into

from micropython import const

import umb
from umb.store import Registers

_UPTIME = const(100)
_STATE = const(110)
_MEMORY = const(112)
_ADDRESS = const(114)
_RESET_CAUSE = const(116)
_VERSION = const(117)
_END = const(121)
_SERIAL_COUNTERS = const(130)
_NETWORK_COUNTERS = const(140)
_COUNTERS = const(8)


class CounterBlock(Registers):
    """The counters of one driver as eight registers; 0 while `counters` is None.

    They are in the order of function code 8's sub-functions 0x0B to 0x12 (AP 6.8).
    """

    def __init__(self, start):
        super().__init__(start, _COUNTERS, on_read=self._refresh)
        self.counters = None

    def _refresh(self, address, quantity):
        counters = self.counters
        if counters is not None:
            data = self.data
            put_words(
                data,
                0,
                counters.bus_message_count,
                counters.bus_communication_error_count,
                counters.bus_exception_error_count,
                counters.server_message_count,
            )
            put_words(
                data,
                8,
                counters.server_no_response_count,
                counters.server_nak_count,
                counters.server_busy_count,
                counters.bus_character_overrun_count,
            )


class Status:
    """The blocks of input registers that report `state`, a DeviceState, and constants."""

    def __init__(self, state, reset_cause):
        self._state = state
        self.serial = CounterBlock(_SERIAL_COUNTERS)
        self.network = CounterBlock(_NETWORK_COUNTERS)
        self._work = Registers(_UPTIME, 3, on_read=self._report_work)
        self._block = block = Registers(_STATE, _END - _STATE, on_read=self._report)
        self.blocks = (self._work, block, self.serial, self.network)
        block[_RESET_CAUSE] = reset_cause
        put_version(block, _VERSION, umb.__version__.split("."))
        put_version(block, _VERSION + 2, sys.implementation[1])

    def _report_work(self, address, quantity):
        pack_into(">IH", self._work.data, 0, self._state.uptime_s, self._state.requests())

    def _report(self, address, quantity):
        state = self._state
        data = self._block.data
        pack_into(">HH", data, 0, state.bits(), min(state.silence_ms // 1000, 65535))
        pack_into(">IHH", data, 4, state.free_bytes, state.address[0], state.address[1])
        if address < _ADDRESS and address + quantity > _MEMORY:
            state.free_wanted = True


def put_version(block, at, version):
    """Put a version, three numbers or digits, into two registers."""
    block[at] = int(version[0]) << 8 | int(version[1])
    block[at + 1] = int(version[2])


def put_words(data, at, first, second, third, fourth):
    """Put four words to data[at:], as registers are."""
    pack_into(">HHHH", data, at, first, second, third, fourth)
