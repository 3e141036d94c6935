"""The payloads of Sparkplug B: the part of Protocol Buffers that they need, by hand.

A payload is a list of fields, each a number with a kind, and a value (Sparkplug 3.0, 6.4). What
is written here is Payload with timestamp, metrics and seq, and Metric with name, timestamp,
datatype, is_historical, is_null and a value.
"""

import struct

from micropython import const

# Kinds of fields on the wire (Protocol Buffers, Encoding).
_VARINT = const(0)
_FIXED_64 = const(1)
_BYTES = const(2)
_FIXED_32 = const(5)

# Fields of Payload and Metric.
_TIMESTAMP = const(1)
_METRICS = const(2)
_SEQ = const(3)
_METRIC_NAME = const(1)
_METRIC_TIMESTAMP = const(3)
_DATATYPE = const(4)
_IS_HISTORICAL = const(5)
_IS_NULL = const(7)
_INT_VALUE = const(10)
_LONG_VALUE = const(11)
_FLOAT_VALUE = const(12)
_DOUBLE_VALUE = const(13)
_BOOLEAN_VALUE = const(14)
_STRING_VALUE = const(15)

# Data types (6.4.16): the numbers that are written, and the field that has the value.
INT16, INT32, INT64, UINT16, UINT32, UINT64 = 2, 3, 4, 6, 7, 8
FLOAT, DOUBLE, BOOLEAN, STRING = 9, 10, 11, 12
_FIELD_OF = {
    INT16: _INT_VALUE,
    INT32: _INT_VALUE,
    INT64: _LONG_VALUE,
    UINT16: _INT_VALUE,
    UINT32: _INT_VALUE,
    UINT64: _LONG_VALUE,
    FLOAT: _FLOAT_VALUE,
    DOUBLE: _DOUBLE_VALUE,
    BOOLEAN: _BOOLEAN_VALUE,
    STRING: _STRING_VALUE,
}
_INT8 = const(1)  # which others may send


def _put_varint(data, value):
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)


def _put_number(data, field, value):
    data.append(field << 3 | _VARINT)
    _put_varint(data, value)


def _put_bytes(data, field, value):
    data.append(field << 3 | _BYTES)
    _put_varint(data, len(value))
    data.extend(value)


def metric(name, kind, value, time_ms, historical=False) -> bytes:
    """Return a metric as a field of a payload.

    kind      one of the data types
    value     None: there is none
    time_ms   since 1970
    """
    data = bytearray()
    _put_bytes(data, _METRIC_NAME, name.encode())
    _put_number(data, _METRIC_TIMESTAMP, time_ms)
    _put_number(data, _DATATYPE, kind)
    if historical:
        _put_number(data, _IS_HISTORICAL, 1)
    if value is None:
        _put_number(data, _IS_NULL, 1)
    else:
        _put_value(data, kind, value)
    head = bytearray((_METRICS << 3 | _BYTES,))
    _put_varint(head, len(data))
    head.extend(data)
    return bytes(head)


def _put_value(data, kind, value):
    """Put the value of a metric."""
    field = _FIELD_OF[kind]
    if field == _STRING_VALUE:
        _put_bytes(data, field, value.encode())
    elif field == _FLOAT_VALUE:
        data.append(field << 3 | _FIXED_32)
        data.extend(struct.pack("<f", value))
    elif field == _DOUBLE_VALUE:
        data.append(field << 3 | _FIXED_64)
        data.extend(struct.pack("<d", value))
    elif field == _BOOLEAN_VALUE:
        _put_number(data, field, 1 if value else 0)
    else:  # negative numbers are two's complements of 32 or 64 bits
        bits = 32 if field == _INT_VALUE else 64
        _put_number(data, field, value & (1 << bits) - 1)


def head(time_ms, seq) -> bytes:
    """Return the fields of a payload that are no metrics. seq: None for a will, which has none."""
    data = bytearray()
    _put_number(data, _TIMESTAMP, time_ms)
    if seq is not None:
        _put_number(data, _SEQ, seq)
    return bytes(data)


class _Reader:
    """Goes through the fields of a message."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def varint(self):
        value = shift = 0
        byte = 0x80
        while byte & 0x80:
            if shift > 63:
                raise ValueError("a number has more than 64 bits")
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
        return value

    def take(self, n):
        """Return the next n bytes. Raises ValueError if there are not so many."""
        end = self.at + n
        if end > len(self.data):
            raise ValueError("the payload ends in a field")
        part = self.data[self.at : end]
        self.at = end
        return part

    def field(self):
        """Return the next field as (number, value): a number, or bytes. None: there is none."""
        if self.at == len(self.data):
            return None
        key = self.varint()
        kind = key & 7
        if kind == _VARINT:
            return key >> 3, self.varint()
        if kind == _FIXED_64:
            return key >> 3, self.take(8)
        if kind == _FIXED_32:
            return key >> 3, self.take(4)
        if kind == _BYTES:
            return key >> 3, self.take(self.varint())
        raise ValueError("a field of kind %d" % kind)


def read_metrics(data) -> list:
    """Return [(name, value)] of the metrics in a payload. Raises ValueError if it is none.

    The value is None where there is none, or one of a kind that is not known.
    """
    found = []
    reader = _Reader(bytes(data))
    field = reader.field()
    while field is not None:
        if field[0] == _METRICS and isinstance(field[1], bytes):
            found.append(_read_metric(field[1]))
        field = reader.field()
    return found


def _read_metric(data):
    name = None
    value = None
    datatype = 0
    reader = _Reader(data)
    field = reader.field()
    while field is not None:
        number, content = field
        if number == _METRIC_NAME and isinstance(content, bytes):
            name = _text(content)
        elif number == _DATATYPE:
            datatype = content
        elif _INT_VALUE <= number <= _STRING_VALUE:
            value = _value(number, content)
        field = reader.field()
    if isinstance(value, int) and _INT8 <= datatype <= INT64:
        bits = 64 if datatype == INT64 else 32
        if value >> bits - 1:
            value -= 1 << bits
    return name, value


def _text(content):
    try:
        return content.decode()
    except ValueError:  # UnicodeError, too
        raise ValueError("this is not text in UTF-8")


def _value(number, content):
    """Return the value in a field of a metric. Raises ValueError if it is of another kind."""
    is_number = not isinstance(content, bytes)
    if is_number != (number in (_INT_VALUE, _LONG_VALUE, _BOOLEAN_VALUE)):
        raise ValueError("a value of another kind than its field")
    if number == _BOOLEAN_VALUE:
        return 1 if content else 0
    if number == _STRING_VALUE:
        return _text(content)
    if number in (_FLOAT_VALUE, _DOUBLE_VALUE):
        size = 4 if number == _FLOAT_VALUE else 8
        if len(content) != size:
            raise ValueError("a value of another kind than its field")
        return struct.unpack("<f" if size == 4 else "<d", content)[0]
    return content
