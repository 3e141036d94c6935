"""Requests and responses, checked and measured in place. The PDU is at adu[7] always.

"AP" is the MODBUS Application Protocol Specification V1.1b3.
"""

from micropython import const

_ILLEGAL_FUNCTION = const(1)
_ILLEGAL_VALUE = const(3)
_COUNTED = const(0x80)

# How long the PDU of a function code is (AP 6): a number of bytes, or where in it the byte
# that counts the rest stands (+ _COUNTED). 0: its length cannot be told from its beginning.
REQUEST = (
    b"\x00\x05\x05\x05\x05\x05\x05\x01\x05\x00\x00\x01\x01\x00\x00\x85\x85\x01\x00\x00\x81\x81"
    b"\x07\x89\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04"
)
RESPONSE = (
    b"\x00\x81\x81\x81\x81\x05\x05\x02\x05\x00\x00\x05\x81\x00\x00\x05\x05\x81\x00\x00\x81\x81"
    b"\x07\x81\x82"
)


def rtu_size(sizes, buf, at, n):
    """Where an RTU frame at buf[at:] may end, n >= 2 bytes of it being there: a length >= n.

    sizes is REQUEST or RESPONSE. Where the byte that counts the rest has not come yet, it is the
    length at which it will have. 0: nobody can tell, or it should have ended before.
    """
    code = buf[at + 1]
    if code & 0x80:  # an exception response (AP 7)
        size = 2 if sizes is RESPONSE else 0
    else:
        size = sizes[code] if code < len(sizes) else 0
        if size >= _COUNTED:
            at += size - _COUNTED + 1
            size += 1 - _COUNTED
            size += buf[at] if n > size else 1
    size += 3
    return size if n <= size > 3 else 0


def check(adu, n):
    """Is the PDU of n bytes at adu[7] a request of FC 1-6, 15 or 16 as AP 6 has it?

    Returns 0, or the exception code: 1 for other function codes, 3 for a wrong length,
    quantity, byte count or coil value. Addresses are for the data model to check.
    """
    code = adu[7]
    quantity = adu[10] << 8 | adu[11]
    good = n == 5
    if 0 < code < 5:
        good = good and 0 < quantity <= (2000 if code < 3 else 125)
    elif code == 5:
        good = good and quantity % 0xFF00 == 0  # on or off
    elif 15 <= code <= 16:
        most = 1968
        size = quantity + 7 >> 3
        if code > 15:
            most = 123
            size = quantity << 1
        good = n == size + 6 and adu[12] == size and 0 < quantity <= most
    elif code != 6:
        return _ILLEGAL_FUNCTION
    return 0 if good else _ILLEGAL_VALUE


def read(adu, area, address, quantity):
    """Put a response's byte count and values to adu[8]: the response's length (AP 6.1 to 6.4)."""
    if area.on_read:
        area.on_read(address, quantity)
    n = quantity << 1 if adu[7] > 2 else quantity + 7 >> 3
    area.get(address, quantity, adu, 9)
    adu[8] = n
    return n + 2


def write(adu, at, area, address, quantity):
    """Check every value at adu[at:], then store them (AP 6.5, 6.6, 6.11, 6.12).

    Returns the response's length, its values being the request's, or minus an exception code.
    """
    if area.validate:
        for i in range(quantity):
            if not area.validate(address + i, area.value(adu, at, i)):
                return -3
    area.put(address, quantity, adu, at)
    if area.on_write:
        area.on_write(address, quantity)
    return 5
