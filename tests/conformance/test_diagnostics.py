"""Exception status, diagnostics, event counter and log (Application Protocol V1.1b3, 6.7-6.10)."""

import struct
import time

import pytest
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient, ModbusUdpClient

from tests.conformance.device import SLAVE_ID
from tests.conformance.test_general import words

_CLEAR = words(8, 10, 0)
_RESTART = words(8, 1, 0)
_EMPTY_LOG = words(8, 1, 0xFF00)
_READ = words(3, 0, 1)
_MESSAGES, _ERRORS, _EXCEPTIONS, _OURS, _SILENT, _NAK, _BUSY, _OVERRUN = range(11, 19)


def count(master, sub_function):
    """Return what a counter says."""
    response = master.ask(words(8, sub_function, 0))
    assert response[:3] == words(8, sub_function)
    return struct.unpack(">H", response[3:])[0]


def events(master):
    """Return the event log, with the event of asking for it."""
    response = master.ask(b"\x0c")
    assert response[1] == len(response) - 2
    return response[8:]


def spoilt(master, pdu):
    """Return a frame whose check is wrong."""
    frame = master.frame(pdu)
    return frame[:4] + bytes([frame[4] ^ 1]) + frame[5:]


def test_034_exception_status(master):
    assert master.ask(b"\x07") == b"\x07\x6d"
    assert master.ask(b"\x07\0") == b"\x87\x03"


@pytest.mark.parametrize("unknown", [5, 9, 19, 21, 0x100, 0xFFFF])
def test_035_sub_functions(master, unknown):
    for data in (b"\0\0", b"\0\1", b"", b"\0\0\0\0"):
        assert master.ask(words(8, unknown) + data) == b"\x88\x01"
    assert master.ask(b"\x08\0") == b"\x88\x03"
    assert master.ask(words(8, 2) + b"\0") == b"\x88\x03"


@pytest.mark.parametrize("data", [b"", b"\xa5\x37", b"\0\0", b"odd", bytes(range(250))])
def test_036_loop_back(master, data):
    assert master.ask(words(8, 0) + data) == words(8, 0) + data


def test_037_restart(master):
    for wrong in (0x1234, 0xFFFF, 1):
        assert master.ask(words(8, 1, wrong)) == b"\x88\x03"
    assert master.ask(_RESTART) == _RESTART
    assert count(master, _OURS) == 1
    assert events(master)[:5] == b"\x80\x40\x80\x00\x40"  # it replies before it restarts
    assert master.ask(_EMPTY_LOG) == _EMPTY_LOG
    assert events(master) == b"\x80\x00"


def test_038_041_register_and_clear(master, bench):
    assert master.ask(words(3, 9999, 1)) == b"\x83\x02"
    assert master.ask(_CLEAR) == _CLEAR
    assert master.ask(words(8, 2, 0)) == words(8, 2, 0)
    assert [count(master, i) for i in (_ERRORS, _EXCEPTIONS, _SILENT, _OVERRUN)] == [0] * 4
    assert bench.register_at_start == 0x1234


def test_039_123_ascii_delimiter(ascii_master):
    master = ascii_master
    assert master.ask(words(8, 3, 0x2100)) == words(8, 3, 0x2100)
    try:
        master.delimiter = b"!"
        master.put(master.frame(_READ))  # ends as it did before
        assert master.silent()
        for _ in range(3):
            master.put(master.frame(_READ, delimiter=b"!"))
            assert master.answer()[:2] == b"\x03\x02"
    finally:
        master.put(master.frame(words(8, 3, 0x0A00), delimiter=b"!"))
        assert master.answer() == words(8, 3, 0x0A00)
    master.delimiter = b"\n"
    assert master.ask(_READ)[:2] == b"\x03\x02"
    assert master.ask(words(8, 3, 0x2121)) == b"\x88\x03"


@pytest.mark.transport("TCP", "UDP", "RTU")
def test_039_elsewhere_it_means_nothing(tcp, udp, rtu):
    for master in (tcp, udp, rtu):
        assert master.ask(words(8, 3, 0x2100)) == b"\x88\x01"


def test_037_040_listen_only(master):
    master.ask(words(6, 9, 1))
    master.put(master.frame(words(8, 4, 0)))
    try:
        for pdu in (words(6, 9, 2), words(8, 0, 0), words(8, 1, 7), b"\x08", b"\x2b", b"\x42"):
            master.put(master.frame(pdu))
        if master.serial:
            master.put(master.frame(words(6, 9, 3), 0))
        assert master.silent()
    finally:
        master.put(master.frame(_RESTART))
    assert master.silent()
    assert master.ask(words(3, 9, 1)) == b"\x03\x02\x00\x01"


@pytest.mark.transport("TCP")
def test_040_who_comes_next_is_heard(bench):
    """Listen-only mode is a connection's: it ends with it."""
    master = bench.peer("TCP")
    master.put(master.frame(words(8, 4, 0)))
    assert master.silent()
    master.close()
    time.sleep(0.05)  # its place is free now
    following = bench.peer("TCP")
    try:
        following.put(following.frame(_READ))
        assert not following.silent()
    finally:
        following.put(following.frame(_RESTART))
        following.close()


def test_042_045_046_message_counts(serial):
    serial.ask(_CLEAR)
    seen, ours, silent = (count(serial, n) for n in (_MESSAGES, _OURS, _SILENT))
    serial.put(serial.frame(_READ, 99))
    serial.put(serial.frame(words(6, 9, 1), 0))
    assert serial.silent()
    assert count(serial, _MESSAGES) == seen + 3 + 2
    assert count(serial, _OURS) == ours + 4
    assert count(serial, _SILENT) == silent + 1


@pytest.mark.transport("TCP", "UDP")
def test_042_045_046_message_counts_of_networks(tcp, udp):
    for master in (tcp, udp):
        master.ask(_CLEAR)
        for counter in (_MESSAGES, _OURS):
            before = count(master, counter)
            master.ask(_READ)
            assert count(master, counter) == before + 2
        assert count(master, _SILENT) == 0


def test_043_052_101_communication_errors(serial):
    serial.ask(_CLEAR)
    ours = count(serial, _OURS)
    for n in (1, 2):
        serial.put(spoilt(serial, words(6, 9, 77)))
        assert serial.silent()
        assert count(serial, _ERRORS) == n
    assert count(serial, _OURS) == ours + 3
    assert serial.ask(words(3, 9, 1)) != b"\x03\x02\x00\x4d"


def test_044_047_048_exceptions(master):
    master.ask(_CLEAR)
    for address in (9999, 300, 301, 302, 303):
        master.ask(words(3, address, 1))
    assert count(master, _EXCEPTIONS) == 5
    assert count(master, _NAK) == 1
    assert count(master, _BUSY) == 1


def test_049_050_overruns(master):
    assert count(master, _OVERRUN) == 0
    assert master.ask(words(8, 20, 0)) == words(8, 20, 0)


@pytest.mark.parametrize("sub_function", [2, 4, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20])
def test_051_data_must_be_0(master, sub_function):
    for wrong in (1, 0xFF00):
        assert master.ask(words(8, sub_function, wrong)) == b"\x88\x03"


@pytest.mark.transport("TCP", "UDP", "RTU", "ASCII")
def test_052_counters_begin_at_0(bench):
    """Each counter was asked for once, in order: those of messages have counted that."""
    for counts in bench.counts_at_start.values():
        assert counts == [1, 0, 0, 4, 0, 0, 0, 0]


def _pymodbus(bench, name):
    """Return pymodbus's client on a transport."""
    where = bench.where[name]
    if name == "TCP":
        return ModbusTcpClient("127.0.0.1", port=where, timeout=5)
    if name == "UDP":
        return ModbusUdpClient("127.0.0.1", port=where, timeout=5)
    framer = FramerType.ASCII if name == "ASCII" else FramerType.RTU
    return ModbusSerialClient(where, framer=framer, baudrate=115200, timeout=5)


def test_053_other_masters_read_the_counters(bench, master):
    master.ask(_CLEAR)
    master.ask(words(3, 9999, 1))
    with _pymodbus(bench, master.name) as other:
        for wanted, call in (
            (2, other.diag_read_bus_message_count),
            (0, other.diag_read_bus_comm_error_count),
            (1, other.diag_read_bus_exception_error_count),
            (5, other.diag_read_device_message_count),
            (0, other.diag_read_device_no_response_count),
            (0, other.diag_read_device_nak_count),
            (0, other.diag_read_device_busy_count),
            (0, other.diag_read_bus_char_overrun_count),
        ):
            response = call(device_id=SLAVE_ID)
            assert not response.isError()
            assert response.message == wanted
        assert other.diag_get_comm_event_counter(device_id=SLAVE_ID).count == 8
        assert other.diag_get_comm_event_log(device_id=SLAVE_ID).message_count == 11


def test_054_event_counter(master):
    for reset in (_RESTART, _EMPTY_LOG, _CLEAR):
        master.ask(reset)
        status, before = struct.unpack(">HH", master.ask(b"\x0b")[1:])
        assert (status, before) == (0, 0)
        assert master.ask(_READ)[:2] == b"\x03\x02"
        master.ask(words(3, 9999, 1))
        for _ in range(2):
            assert master.ask(b"\x0b") == words(11, 0, before + 1)


def test_055_056_event_log(master):
    master.ask(_EMPTY_LOG)
    master.ask(_READ)
    for address in (9999, 300, 301, 303):
        master.ask(words(3, address, 1))
    log = master.ask(b"\x0c")
    status, completed, messages = struct.unpack(">HHH", log[2:8])
    assert (status, completed, messages) == (0, 1, 6)
    assert log[8:] == b"\x80\x48\x80\x44\x80\x42\x80\x41\x80\x40\x80\x00"
    assert count(master, _MESSAGES) == 7
    for _ in range(40):
        master.ask(_READ)
    assert events(master) == b"\x80" + b"\x40\x80" * 31 + b"\x40"


def test_056_events_of_a_line(serial):
    serial.ask(_EMPTY_LOG)
    serial.put(spoilt(serial, _READ))
    serial.put(serial.frame(_READ, 99))
    serial.put(serial.frame(words(6, 9, 1), 0))
    serial.put(serial.frame(words(8, 4, 0)))
    serial.put(serial.frame(_READ))
    serial.put(serial.frame(words(6, 9, 1), 0))
    serial.put(serial.frame(_RESTART))
    assert serial.silent()
    assert events(serial) == b"\x80\x00\xa0\xe0\xa0\x04\x80\xc0\x82\x00"
