"""Every value that a request can carry is written, whatever its check sum turns out to be.

A CRC whose second byte is 0 is right one byte earlier, too: the frame seems to be whole before its
last byte has come. That is so for 256 of 65,536 values.
"""

from support import spread
from support.frames import SLAVES, ASCIISlave, RTUSlave, StreamSlave
from support.pdu import read_write, request, write_bits, write_registers

from umb.fast import crc16
from umb.server import Server
from umb.store import Store

_OURS = 1
_ALL = 65536
_SOME = 4000


def slave_of(kind):
    """A slave of this kind and its store."""
    store = Store(coils=16, holding_registers=2)
    return kind(Server(store, (_OURS,))), store


def patched(pdu, slave_id=_OURS):
    """Slave id and PDU as a buffer whose last two bytes are to be changed."""
    return bytearray(bytes((slave_id,)) + pdu)


def check_registers(kind, data, response, at, n=_ALL):
    """Write values with the request `data`, to register `at`; check response and register.

    n   how many, besides all those whose CRC is right one byte earlier; --long takes every value
    """
    slave, store = slave_of(kind)
    block = store.holding_registers
    for values in (whole_too_early(data), some(data, n)):
        for _ in values:
            got = slave.ask(data)
            wanted = response if isinstance(response, bytes) else response(data)
            value = data[-2] << 8 | data[-1]
            assert got == wanted and block[at] == value, (kind, hex(value), got)


def check_fc16(kind, n=_SOME):
    pdu = write_registers(0, (0,))
    check_registers(kind, patched(pdu), bytes((_OURS,)) + pdu[:5], 0, n)


def check_fc23(kind, n=_SOME):
    """It writes register 1 and reads it back."""
    data = patched(read_write(1, 1, 1, (0,)))
    check_registers(kind, data, lambda data: bytes((_OURS, 23, 2, data[-2], data[-1])), 1, n)


def test_fc16_rtu():
    check_fc16(RTUSlave, _ALL)


def test_fc16_ascii():
    check_fc16(ASCIISlave)


def test_fc16_rtu_over_tcp():
    check_fc16(StreamSlave)


def test_fc23_rtu():
    check_fc23(RTUSlave)


def test_fc23_ascii():
    check_fc23(ASCIISlave)


def test_fc23_rtu_over_tcp():
    check_fc23(StreamSlave)


def test_broadcast_fc16_rtu():
    check_registers(RTUSlave, patched(write_registers(0, (0,)), 0), b"", 0, _SOME)


def test_broadcast_fc16_ascii():
    check_registers(ASCIISlave, patched(write_registers(0, (0,)), 0), b"", 0, _SOME)


def whole_too_early(data):
    """Yield `data` with each pair of last bytes with which its CRC is right a byte too early."""
    n = len(data)
    for byte in range(256):
        data[n - 2] = byte
        data[n - 1] = crc16(data, 0, n - 1) & 0xFF
        assert crc16(data, 0, n) < 256
        yield data


def some(data, n=_SOME):
    """Yield `data` with n pairs of last bytes, evenly spread; with --long each pair."""
    for value in spread(range(_ALL), n):
        data[-2] = value >> 8
        data[-1] = value & 0xFF
        yield data


def check_coils(kind, quantity, slave_id, values):
    """Write 9 to 16 coils."""
    slave, store = slave_of(kind)
    data = patched(write_bits(0, [0] * quantity), slave_id)
    wanted = bytes((_OURS,)) + request(15, 0, quantity) if slave_id else b""
    coils, mask = store.coils.data, (1 << quantity - 8) - 1
    for _ in values(data):
        assert slave.ask(data) == wanted, (kind, quantity, bytes(data))
        assert coils[0] == data[-2] and coils[1] == data[-1] & mask, (kind, quantity, bytes(data))


def test_fc15_rtu():
    for quantity in spread(range(9, 17), 3):
        check_coils(RTUSlave, quantity, _OURS, some)


def test_fc15():
    for kind in SLAVES:
        for quantity in range(9, 17):
            check_coils(kind, quantity, _OURS, whole_too_early)
            if kind is not StreamSlave:  # there id 0 is a device
                check_coils(kind, quantity, 0, whole_too_early)


def test_every_length_of_a_request():
    """Requests of each length that a byte further on counts."""
    for kind in SLAVES:
        slave = kind(Server(Store(2000, 0, 0, 125), (_OURS,)))
        for n in range(1, 124):
            data = patched(write_registers(0, [0x1234] * n))
            for _ in whole_too_early(data):
                assert slave.ask(data) == bytes(data[:6]), (kind, n)
                break
        for n in range(1, 122):
            data = patched(read_write(0, 1, 0, [0x1234] * n))
            for _ in whole_too_early(data):
                got = slave.ask(data)
                assert got is not None and got[1] == 23, (kind, n)
                break
        for n in range(1, 1969, 8):
            data = patched(write_bits(0, [1] * n))
            got = slave.ask(data)
            assert got == bytes(data[:6]), (kind, n)
