"""Input registers from 100 on: how the device is, and what its lines have counted."""

import gc
import sys

from micropython import const

import umb
from umb.store import Registers

_UPTIME = const(100)
_REQUESTS = const(102)
_STATE = const(110)
_SILENCE = const(111)
_MEMORY = const(112)
_ADDRESS = const(114)
_RESET_CAUSE = const(116)
_VERSION = const(117)
_END = const(121)
_SERIAL_COUNTERS = const(130)
_NETWORK_COUNTERS = const(140)
_COUNTERS = const(8)

FAIL_SAFE = 1  # bits of input register 110
NETWORK_DOWN = 2
FAULTS = 4
UNSAVED = 8


class Tally:
    """The counters of one driver as a block of eight registers; 0 while there is no driver.

    In the order of FC 8's sub-functions 0x0B to 0x12.
    """

    def __init__(self, start):
        self.counters = None
        self.block = Registers(start, _COUNTERS, on_read=self._refresh)

    def _refresh(self, address, quantity):
        if self.counters is not None:
            start = self.block.start
            for at in range(address, address + quantity):
                self.block[at] = self.counters.counts[at - start]


class Status:
    """The blocks of the device's status; `device` has what they report of it.

    That is: uptime_s, silence_s, requests, state, network_address (a text).
    """

    def __init__(self, device, reset_cause):
        self._device = device
        self.serial = Tally(_SERIAL_COUNTERS)
        self.network = Tally(_NETWORK_COUNTERS)
        self._work = Registers(_UPTIME, 3, on_read=self._report_work)
        self._block = block = Registers(_STATE, _END - _STATE, on_read=self._report)
        self.blocks = (self._work, block, self.serial.block, self.network.block)
        block[_RESET_CAUSE] = reset_cause
        self._put_version(_VERSION, umb.__version__.split("."))
        self._put_version(_VERSION + 2, sys.implementation[1])

    def _put_version(self, at, version):
        self._block[at] = int(version[0]) << 8 | int(version[1])
        self._block[at + 1] = int(version[2])

    def _report_work(self, address, quantity):
        put_long(self._work, _UPTIME, self._device.uptime_s)
        self._work[_REQUESTS] = self._device.requests & 0xFFFF

    def _report(self, address, quantity):
        device, block = self._device, self._block
        block[_STATE] = device.state
        block[_SILENCE] = min(device.silence_s, 65535)
        if address < _ADDRESS and address + quantity > _MEMORY:  # to count it takes its time
            put_long(block, _MEMORY, gc.mem_free())
        if address < _RESET_CAUSE and address + quantity > _ADDRESS:
            self._put_address(device.network_address)

    def _put_address(self, text):
        parts = [int(part) for part in text.split(".")] if text else (0, 0, 0, 0)
        self._block[_ADDRESS] = parts[0] << 8 | parts[1]
        self._block[_ADDRESS + 1] = parts[2] << 8 | parts[3]


def put_long(block, at, value):
    """Put 32 bits into two registers, the high word first."""
    block[at] = value >> 16 & 0xFFFF
    block[at + 1] = value & 0xFFFF
