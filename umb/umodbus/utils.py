"""uModbus's utilities: log_to_stream(), and what packs and unpacks the small parts of frames."""

import struct
import sys

from umb.errors import NoConnectionError, NoReplyError

from . import log

BASIC_FORMAT = "%(levelname)s:%(name)s:%(message)s"


def log_to_stream(stream=None, level: int = 0, fmt: str = BASIC_FORMAT):
    """Write what servers of get_server() receive, send and fail at to a stream, as lines of text.

    stream   what has write(text); None: standard error
    level    a number of the module logging. At DEBUG (10) or below every frame is shown in
             hexadecimal: `<--` came, `-->` left, with the client's address if it has one. At ERROR
             (40) or below: exceptions of endpoints, and frames that a serial line garbled
    fmt      may have the fields levelname, name and message

    Called again, it adds one more stream. Raises ValueError where fmt has other fields.
    """
    try:
        fmt % {"levelname": "", "name": "", "message": ""}
    except KeyError:
        raise ValueError("fmt may have the fields levelname, name and message, not %r" % fmt)
    log.handlers.append((stream or sys.stderr, level, fmt))


def unpack_mbap(mbap) -> tuple:
    """Return transaction id, protocol id, length and unit id of an MBAP header of 7 bytes."""
    if len(mbap) != 7:
        raise ValueError("an MBAP header has 7 bytes, not %d" % len(mbap))
    return struct.unpack(">HHHB", mbap)


def pack_mbap(transaction_id: int, protocol_id: int, length: int, unit_id: int) -> bytes:
    """Return an MBAP header of 7 bytes; length counts what follows it, and the unit id."""
    return struct.pack(">HHHB", transaction_id, protocol_id, length, unit_id)


def pack_exception_pdu(function_code: int, error_code: int) -> bytes:
    """Return the exception response (AP 7) to a request with this function code, as a PDU."""
    return bytes((function_code | 0x80, error_code))


def get_function_code_from_request_pdu(pdu) -> int:
    """Return the function code of a request PDU."""
    return pdu[0]


def recv_exactly(recv_fn, size: int) -> bytes:
    """Return `size` bytes from recv_fn(n), which returns up to n bytes, such as sock.recv.

    Raises NoConnectionError where the stream ends before, NoReplyError where recv_fn returns None
    because nothing has come in time.
    """
    data = b""
    while len(data) < size:
        piece = recv_fn(size - len(data))
        if piece is None:
            raise NoReplyError("%d of %d bytes came in time" % (len(data), size))
        if not piece:
            raise NoConnectionError("closed after %d of %d bytes" % (len(data), size))
        data += piece
    return data
