"""The CRC of RTU frames (SL 2.5.1.2), by uModbus's names."""

from umb.errors import BadReplyError
from umb.fast import crc16


class CRCError(BadReplyError):
    """A frame's CRC is wrong."""


def get_crc(msg) -> bytes:
    """Return the CRC of a message as it travels: two bytes, the low one first."""
    crc = crc16(msg, 0, len(msg))
    return bytes((crc & 0xFF, crc >> 8))


def add_crc(msg) -> bytes:
    """Return a message with its CRC behind it."""
    return bytes(msg) + get_crc(msg)


def validate_crc(msg):
    """Raise CRCError unless a message ends with its CRC."""
    if len(msg) < 3 or crc16(msg, 0, len(msg)):
        raise CRCError("%d bytes without a right CRC" % len(msg))
