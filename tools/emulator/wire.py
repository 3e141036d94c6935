"""What runs over a serial line, as everyone on it sees it: characters and their times."""

from dataclasses import dataclass
from typing import NamedTuple

US, MS = 1e3, 1e6  # in ns

_FAST_BAUD = 19200  # above it the silences are fixed; Modbus over serial line 2.5.1.1
_FAST_T35_NS = 1_750_000


class Char(NamedTuple):
    """One character on the wire, from its start bit's edge to the end of its last stop bit."""

    start_ns: float
    end_ns: float
    byte: int


@dataclass(frozen=True)
class Format:
    """A line's speed and characters; `parity` is None, 0 (even) or 1 (odd) as in machine.UART."""

    baudrate: int
    parity: int | None = 0
    stop: int = 1
    bits: int = 8

    @property
    def char_bits(self):
        return 1 + self.bits + (self.parity is not None) + self.stop

    @property
    def bit_ns(self):
        return 1e9 / self.baudrate

    @property
    def char_ns(self):
        return self.char_bits * self.bit_ns

    @property
    def t35_ns(self):
        """The silence that ends a frame."""
        return _FAST_T35_NS if self.baudrate > _FAST_BAUD else 3.5 * self.char_ns

    def __str__(self):
        letter = "N" if self.parity is None else "EO"[self.parity]
        return f"{self.baudrate} {self.bits}{letter}{self.stop}"


def crc16(data):
    """Modbus's CRC of `data`, bit by bit as the specification has it."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def frame(slave_id, pdu):
    """The RTU frame that carries `pdu`."""
    body = bytes([slave_id]) + bytes(pdu)
    return body + crc16(body).to_bytes(2, "little")


def _word(value):
    return value.to_bytes(2, "big")


def read_registers(slave_id, quantity, address=0, function_code=3):
    """The frame that reads registers (or bits, with function code 1 or 2)."""
    return frame(slave_id, [function_code, *_word(address), *_word(quantity)])


def write_registers(slave_id, values, address=0):
    """The frame of function code 16."""
    data = b"".join(_word(value) for value in values)
    head = [16, *_word(address), *_word(len(values)), len(data)]
    return frame(slave_id, [*head, *data])


def registers_reply(slave_id, values, function_code=3):
    """The frame that answers read_registers()."""
    data = b"".join(_word(value) for value in values)
    return frame(slave_id, [function_code, len(data), *data])


def reply_length(start):
    """How long the reply will be that begins with `start`; None while that can't be told."""
    if len(start) < 3:
        return None
    function_code = start[1]
    if function_code & 0x80:
        return 5
    if function_code in (1, 2, 3, 4, 12, 17, 20, 21, 23):
        return 5 + start[2]
    return 10 if function_code == 22 else 8
