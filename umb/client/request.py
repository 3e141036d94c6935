"""Request: what one call asks for: its request PDU, the value of the response, and its errors."""

from micropython import const

from .. import conf
from ..check import integer, wrong
from ..errors import BadReplyError, NoConnectionError, NoReplyError, exception_for
from ..fast import copy
from ..fast.values import get_bits, get_registers
from ..store import Bits, Registers
from .status import LATE_REPLY, NO_CONNECTION, NO_REPLY, ODD_REPLY

# What stands for a function code in a Request:
RAW = 0  # `values` is the whole request PDU
CONNECT = -1  # nothing is sent, only a connection is wanted
FORWARD = -2  # the request PDU of `quantity` bytes is at values[7], the reply is to fit it

_FRAME = const(6)  # where in the buffer the slave id is, and an RTU frame begins
_PDU = const(7)  # where in the buffer the PDU begins
_VALUES = const(9)  # where in the buffer the values are that were read
_WRITE_COILS = const(15)
_WRITE_REGISTERS = const(16)
_MASK_WRITE = const(22)
_READ_WRITE = const(23)
_READ_FIFO = const(24)
# The most values one request may carry (AP 6.1-6.6, 6.11, 6.12, 6.16, 6.17).
_MOST = {1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123, 22: 1, 23: 125}


def _check_into(into, quantity, most):
    """Raise ValueError unless `into` takes so many values. `most` is hardest to store."""
    if _count(into, "into") < quantity:
        raise wrong("into", into, "%d values long, or longer" % quantity)
    # An array does not show its type, and silently cuts off what it cannot hold.
    before = into[0]
    try:
        into[0] = most
        fits = into[0] == most
        into[0] = before
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise wrong("into", into, "a list, or an array whose items can be %d" % most)


def _count(values, name):
    """Return how many values there are. Raises ValueError unless they are a sequence."""
    if not (isinstance(values, list) or _is_sequence(values)):
        raise wrong(name, values, "a list or another sequence")
    return len(values)


def _is_sequence(values):
    """Return whether values have a length, and numbers lead to the first and the last of them."""
    try:  # with more than two variables, this would take memory
        if len(values):
            item = values[0]
            item = values[len(values) - 1]  # noqa: F841 - only whether there is one matters
        return True
    except (TypeError, LookupError):
        return False


class Request:
    """What one call asks for. A client keeps it for its next calls.

    For the codes of umb.client.rare address, quantity and values are what build() there takes.
    """

    def __init__(self):
        self.function_code = 0
        self.slave_id = 0
        self.address = 0  # the first one; of FC 23 the first one to be read
        self.quantity = 0  # how many are read or written
        self.values = None  # what is written: one value, or a sequence of them; FC 22: the OR mask
        self.and_mask = 0  # FC 22
        self.write_address = 0  # FC 23
        self.into = None  # where values that were read go, None: into a new list
        self.signed = None  # whether registers that were read are -32768..32767
        self.as_bytes = False  # whether the call returns the bytes that were read
        self.timeout_ms = 0
        self.retries = 0  # how many times it may be sent again
        self.tries = 0  # how many of these retries are left
        self.busy_pause_ms = 0  # the pause before a retry after exceptions 5 and 6; 0: no retry
        self.strict = True  # whether what differs from the request is no reply
        self.broadcast = False  # whether slave id 0 is everybody
        self.slave = None  # the umb.client.slave.Slave that counts the result
        self._list = None  # the list for values that are read, once there is one

    # --- the request PDU

    def put(self, adu):
        """Write the slave id to adu[6] and the request PDU behind it. Returns the PDU's length.

        Raises ValueError for an argument that is out of range or of the wrong kind.
        """
        self._list = None
        try:  # what is no number raises TypeError: that is quicker than asking first
            if not 0 <= self.slave_id <= 255:
                raise wrong("slave_id", self.slave_id, "0..255")
            adu[_FRAME] = self.slave_id | 0
            if self.as_bytes:
                integer("function_code", self.function_code, 1, 4)
            if self.function_code in _MOST:
                return self._put_standard(adu)
            return self._put_other(adu)
        except TypeError:
            self._check_numbers()  # says which argument it was
            raise

    def _check_numbers(self):
        """Raise ValueError if an argument that has to be a number is none."""
        integer("slave_id", self.slave_id, 0, 255)
        if self.function_code in _MOST:
            integer("quantity", self.quantity, 1, _MOST[self.function_code])
            integer("address", self.address, 0, 65536 - self.quantity)

    def _put_other(self, adu):
        """Write the request PDU of another function code, or of none. Returns its length."""
        code = self.function_code
        if code == RAW:
            return self._put_raw(adu)
        if code == CONNECT:
            return 0
        if code == FORWARD:
            copy(adu, _PDU, self.values, _PDU, self.quantity)
            return self.quantity
        from .rare import build

        return build(adu, code, self.address, self.quantity, self.values)

    def _put_raw(self, adu):
        values = self.values
        n = _count(values, "pdu")
        integer("length of a PDU", n, 1, 253)
        for i in range(n):
            integer("byte of a PDU", values[i], 0, 255)
            adu[_PDU + i] = values[i]
        return n

    def _put_standard(self, adu):
        """Write the request PDU of FC 1 to 6, 15, 16, 22 or 23. Returns its length."""
        code = self.function_code
        if code > 6 and code in (_WRITE_COILS, _WRITE_REGISTERS):
            self.quantity = _count(self.values, "values")
        quantity = self.quantity
        address = self.address
        if not 0 < quantity <= _MOST[code]:
            raise wrong("quantity", quantity, "1..%d" % _MOST[code])
        if not 0 <= address <= 65536 - quantity:
            raise wrong("address", address, "0..%d for %d values" % (65536 - quantity, quantity))
        if self.into is not None and not (
            isinstance(self.into, list) and len(self.into) >= quantity
        ):
            _check_into(self.into, quantity, self._hardest_value())
        adu[7] = code
        adu[8] = address >> 8
        adu[9] = address & 0xFF
        adu[10] = quantity >> 8
        adu[11] = quantity & 0xFF
        if code < 5:
            return 5
        if code < 7 or code == _MASK_WRITE:
            return self._put_value(adu)
        return self._put_values(adu)

    def _hardest_value(self):
        """Return which of the values that may be read is hardest to store in an array."""
        if self.function_code < 3:
            return 1
        return -32768 if self._is_signed() else 65535

    def _put_value(self, adu):
        """Write what follows the address of FC 5, 6 or 22. Returns the PDU's length."""
        value = self.values
        if self.function_code == 5:
            Bits.encode(adu, 10 << 3, value)
            adu[10] = 0xFF if value else 0
            adu[11] = 0
            return 5
        if self.function_code == 6:
            Registers.encode(adu, 10 << 3, value)
            return 5
        Registers.encode(adu, 10 << 3, self.and_mask)
        Registers.encode(adu, 12 << 3, value)
        return 7

    def _put_values(self, adu):
        """Write what follows the quantity of FC 15, 16 or 23. Returns the PDU's length."""
        values = self.values
        quantity = _count(values, "values")
        kind = Registers
        size = quantity << 1
        at = 12
        if self.function_code == _WRITE_COILS:
            kind = Bits
            size = quantity + 7 >> 3
        elif self.function_code == _READ_WRITE:
            address = self.write_address
            integer("number of values", quantity, 1, 121)
            integer("write_address", address, 0, 65536 - quantity)
            Registers.encode(adu, 12 << 3, address)
            Registers.encode(adu, 14 << 3, quantity)
            at = 16
        adu[at] = size
        adu[at + size] = 0  # the unused bits of the last byte, if these are bits
        for i in range(quantity):
            kind.encode(adu, (at + 1 << 3) + i * kind.bits, values[i])
        return at - 6 + size

    # --- the value of the response

    def _is_signed(self):
        return conf.SIGNED_VALUES if self.signed is None else self.signed

    def prepare_value(self):
        """Get ready for value(), while there is time for it. It may be left out."""
        if self.into is None and self._reads_values():
            self._list = [0] * self.quantity

    def _reads_values(self):
        """Return whether the call returns registers or bits that were read."""
        code = self.function_code
        return (0 < code < 5 or code == _READ_WRITE) and not self.as_bytes

    def value(self, adu, n):
        """Return what the call returns for the response PDU of n bytes at adu[7], 0: none.

        Raises BadReplyError if the response does not fit the request.
        """
        values = self._list
        if values is not None:
            self._list = None
            self._get_values(values, adu)
            return values
        code = self.function_code
        if n == 0 or code == _MASK_WRITE:
            return None
        if self._reads_values():
            if self.into is None:
                self.prepare_value()
                return self.value(adu, n)
            self._get_values(self.into, adu)
            return self.quantity
        if code == 5:
            return 1 if self.values else 0
        if code == 6:
            return self.values
        if code in (_WRITE_COILS, _WRITE_REGISTERS):
            return self.quantity
        if self.as_bytes:
            return bytes(adu[_VALUES : _PDU + n])
        if code == RAW:
            return bytes(adu[_PDU : _PDU + n])
        return self._rare_value(adu, n)

    def _get_values(self, values, adu):
        """Put the registers or bits of the response into `values`."""
        if self.function_code < 3:
            get_bits(values, adu, _VALUES, self.quantity)
        else:
            get_registers(values, adu, _VALUES, self.quantity, 0x80 if self._is_signed() else 0)

    def _rare_value(self, adu, n):
        from .rare import decode

        value = decode(adu, n, self.function_code, self.values, self.strict)
        if value is None:
            raise self.error(ODD_REPLY, adu, n)
        return value

    # --- its errors

    def error(self, status, adu, n, failure=None):
        """Return the exception that a status stands for.

        failure   why there was no connection, if that is the status
        """
        slave_id = self.slave_id
        code = self.values[0] if self.function_code == RAW else self.function_code
        asked = "FC %d" % code
        if self.function_code in _MOST or self.function_code == _READ_FIFO:
            asked += " at %d" % self.address
            if code < 5 or code in (_WRITE_COILS, _WRITE_REGISTERS, _READ_WRITE):
                asked += " x %d" % self.quantity
        if status > 0:
            error = exception_for(status, slave_id, asked)
        elif status == NO_REPLY:
            text = "slave %d did not answer %s within %d ms" % (slave_id, asked, self.timeout_ms)
            times = ", %d times" % (1 + self.retries) if self.retries else ""
            error = NoReplyError(text + times)
        elif status == NO_CONNECTION:
            text = failure
            if code != CONNECT:
                text = "%s, asking slave %d %s" % (text, slave_id, asked)
            error = NoConnectionError(text)
        elif status == LATE_REPLY:
            text = "slave %d answered %s, or else an earlier request"
            error = BadReplyError(text % (slave_id, asked))
        else:
            text = "slave %d gave no valid answer to %s" % (slave_id, asked)
            reply = None
            if status == ODD_REPLY:
                reply = bytes(adu[_PDU : _PDU + n])
                text += ", but the bytes %r" % reply
            error = BadReplyError(text)
            error.reply = reply
        error.slave_id = slave_id
        error.function_code = None if code == CONNECT else code
        return error
