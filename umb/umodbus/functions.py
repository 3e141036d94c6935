"""The PDUs of the eight functions that uModbus has: requests made, responses understood (AP 6).

They need no connection and keep nothing: bytes in, bytes or values out.
"""

from struct import pack

from umb import conf
from umb.errors import BadReplyError, IllegalDataValueError, exception_for

READ_COILS = 1
READ_DISCRETE_INPUTS = 2
READ_HOLDING_REGISTERS = 3
READ_INPUT_REGISTERS = 4
WRITE_SINGLE_COIL = 5
WRITE_SINGLE_REGISTER = 6
WRITE_MULTIPLE_COILS = 15
WRITE_MULTIPLE_REGISTERS = 16

# How many values a request may be about (AP 6.1 to 6.4, 6.11, 6.12).
_MOST = {
    READ_COILS: 2000,
    READ_DISCRETE_INPUTS: 2000,
    READ_HOLDING_REGISTERS: 125,
    READ_INPUT_REGISTERS: 125,
    WRITE_SINGLE_COIL: 1,
    WRITE_SINGLE_REGISTER: 1,
    WRITE_MULTIPLE_COILS: 1968,
    WRITE_MULTIPLE_REGISTERS: 123,
}
_INTEGER = (int, bool)  # MicroPython's bool is not an int


def read_request(function_code: int, starting_address: int, quantity: int) -> bytes:
    """Return the request PDU of function code 1, 2, 3 or 4.

    Raises IllegalDataValueError for a wrong quantity, ValueError for addresses beyond 65535.
    """
    _check(function_code, starting_address, quantity)
    return pack(">BHH", function_code, starting_address, quantity)


def write_single_request(function_code: int, address: int, value: int) -> bytes:
    """Return the request PDU of function code 5 (value 0, 1 or 0xFF00) or 6.

    Raises IllegalDataValueError for a wrong value, ValueError for an address beyond 65535.
    """
    _check(function_code, address, 1)
    if function_code == WRITE_SINGLE_COIL:
        _check_coil(value, (0, 1, 0xFF00))
        return pack(">BHH", function_code, address, 0xFF00 if value else 0)
    return pack(">BH", function_code, address) + _registers((value,))


def write_multiple_request(function_code: int, starting_address: int, values) -> bytes:
    """Return the request PDU of function code 15 (values 0 and 1) or 16.

    Raises IllegalDataValueError for a wrong value or number of values, ValueError for addresses
    beyond 65535.
    """
    quantity = len(values)
    _check(function_code, starting_address, quantity)
    data = _bits(values) if function_code == WRITE_MULTIPLE_COILS else _registers(values)
    return pack(">BHHB", function_code, starting_address, quantity, len(data)) + data


def _check(function_code, address, quantity):
    """Raise for a quantity or for addresses that a request cannot have."""
    most = _MOST[function_code]
    if not (isinstance(quantity, int) and 1 <= quantity <= most):
        raise IllegalDataValueError("the quantity must be 1..%d, not %r" % (most, quantity))
    if not (isinstance(address, int) and 0 <= address <= 65536 - quantity):
        raise ValueError("addresses must be 0..65535, not %r x %d" % (address, quantity))


def _check_coil(value, allowed):
    if value not in allowed:
        raise IllegalDataValueError("a coil must be 0 or 1, not %r" % (value,))


def _bits(values):
    """Return coils as they travel: the first one lowest, the rest of the last byte 0 (AP 6.11)."""
    data = bytearray(len(values) + 7 >> 3)
    for i, value in enumerate(values):
        _check_coil(value, (0, 1))
        if value:
            data[i >> 3] |= 1 << (i & 7)
    return bytes(data)


def _registers(values):
    """Return registers as they travel: 16 bits each, the high byte first (AP 4.2)."""
    lowest, highest = (-32768, 32767) if conf.SIGNED_VALUES else (0, 65535)
    data = b""
    for value in values:
        if not (isinstance(value, _INTEGER) and lowest <= value <= highest):
            raise IllegalDataValueError(
                "a register must be %d..%d, not %r" % (lowest, highest, value)
            )
        data += pack(">H", value & 0xFFFF)
    return data


def expected_response_pdu_size_from_request_pdu(pdu) -> int:
    """Return how many bytes the normal response to a request has."""
    function_code = pdu[0]
    if function_code > READ_INPUT_REGISTERS:
        return 5
    quantity = pdu[3] << 8 | pdu[4]
    return 2 + (quantity * 2 if function_code > READ_DISCRETE_INPUTS else quantity + 7 >> 3)


def pdu_to_function_code_or_raise_error(resp_pdu) -> int:
    """Return a response's function code.

    Raises the ModbusError that an exception response stands for, BadReplyError where it is none.
    """
    if len(resp_pdu) < 2:
        raise BadReplyError("a response of %d bytes" % len(resp_pdu))
    function_code = resp_pdu[0]
    if function_code & 0x80:
        if len(resp_pdu) != 2 or not resp_pdu[1]:
            raise BadReplyError("an exception response without a code")
        raise exception_for(resp_pdu[1])
    return function_code


def response_data(resp_pdu, req_pdu=None):
    """Return what a response says.

    Function codes 1 to 4: a list of values. 5 and 6: the value. 15 and 16: how many were written.

    req_pdu   the request: the response has to belong to it. Without it coils are returned by whole
              bytes

    Raises the ModbusError that an exception response stands for, BadReplyError for what is no
    answer to the request.
    """
    if req_pdu is not None and (not resp_pdu or resp_pdu[0] & 0x7F != req_pdu[0]):
        raise BadReplyError("the response is to another function code than %d" % req_pdu[0])
    function_code = pdu_to_function_code_or_raise_error(resp_pdu)
    if function_code not in _MOST:
        raise BadReplyError("uModbus has no function code %d" % function_code)
    if function_code <= READ_INPUT_REGISTERS:
        return _read_values(function_code, resp_pdu, req_pdu)
    return _written(function_code, resp_pdu, req_pdu)


def _read_values(function_code, pdu, request):
    """Return the values that the response to a read brings, as a list."""
    size = pdu[1] if request is None else expected_response_pdu_size_from_request_pdu(request) - 2
    if not size or pdu[1] != size or len(pdu) != 2 + size:
        raise BadReplyError("FC %d: %d bytes are not what was asked for" % (function_code, pdu[1]))
    if function_code <= READ_DISCRETE_INPUTS:
        quantity = size * 8 if request is None else request[3] << 8 | request[4]
        return [pdu[2 + (i >> 3)] >> (i & 7) & 1 for i in range(quantity)]
    if size & 1:
        raise BadReplyError("FC %d: %d bytes are no registers" % (function_code, size))
    return [_signed(pdu[i] << 8 | pdu[i + 1]) for i in range(2, 2 + size, 2)]


def _written(function_code, pdu, request):
    """Return the value or the quantity that the response to a write repeats."""
    if len(pdu) != 5 or (request is not None and bytes(pdu[1:5]) != bytes(request[1:5])):
        raise BadReplyError("FC %d: the response does not repeat the request" % function_code)
    value = pdu[3] << 8 | pdu[4]
    if function_code == WRITE_SINGLE_COIL:
        if value not in (0, 0xFF00):
            raise BadReplyError("FC 5: a coil is 0000 or FF00, not %04X" % value)
        return 1 if value else 0
    return _signed(value) if function_code == WRITE_SINGLE_REGISTER else value


def _signed(value):
    """Return a register as conf.SIGNED_VALUES wants it."""
    return value - 0x10000 if conf.SIGNED_VALUES and value & 0x8000 else value
