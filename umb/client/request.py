"""Request: what one call asks for: its request PDU, the value of the response, and its errors."""

from micropython import const

from .. import conf
from ..check import integer, wrong
from ..errors import BadReplyError, NoConnectionError, NoReplyError, exception_for
from ..fast import copy
from ..fast.values import get_bits, get_registers, put_bits, put_registers
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
_SEQUENCES = const(b"\x0f\x10")  # codes that write as many as there are values
_MOST = {1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123, 22: 1, 23: 125}


def _takes(into, value):
    """Return whether the first item of a sequence can be this value, whatever it is now."""
    before = into[0]
    try:
        into[0] = value
        takes = into[0] == value  # an array silently cuts off what it cannot hold
        into[0] = before
    except (TypeError, ValueError, OverflowError):
        return False
    return takes


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
        self.timeout_ms = None  # None: this and the next four are those of the client
        self.retries = 0  # how many times it may be sent again
        self.tries = 0  # how many of these retries are left
        self.busy_pause_ms = 0  # the pause before a retry after exceptions 5 and 6; 0: no retry
        self.strict = True  # whether what differs from the request is no reply
        self.broadcast = False  # whether slave id 0 is everybody
        self.slave = None  # the umb.client.slave.Slave that counts the result
        self.status = 0  # what came of the attempt to send it, see umb.client.status
        # What prepare_value() sets:
        self._target = None  # where values that are read go; None: none are, or it is not known
        self._sign = 0  # 0x80 if registers that were read are -32768..32767

    # --- the request PDU

    def put(self, adu):
        """Write the slave id to adu[6] and the request PDU behind it. Returns the PDU's length.

        Raises ValueError for an argument that is out of range or of the wrong kind, or TypeError
        if it is no number: then check_numbers() says which one.
        """
        self._target = None
        code = self.function_code
        if code not in _MOST:
            return self._put_other(adu)
        if code > 6 and code in _SEQUENCES:
            self.quantity = _count(self.values, "values")
        quantity = self.quantity
        address = self.address
        # What is no number raises TypeError: that is quicker than asking first.
        if (
            (self.slave_id >> 8 or address >> 16)
            or not 0 < quantity <= _MOST[code]
            or address + quantity > 65536
        ):
            self.check_numbers()
        adu[_FRAME] = self.slave_id
        adu[7] = code
        adu[8] = address >> 8
        adu[9] = address & 0xFF
        adu[10] = quantity >> 8
        adu[11] = quantity & 0xFF
        if code > 4:
            return self._put_values(adu)
        if self.into is not None:
            self._check_into()
        return 5

    def check_numbers(self):
        """Raise ValueError for the first argument that is out of range or no number."""
        integer("slave_id", self.slave_id, 0, 255)
        if self.as_bytes:
            integer("function_code", self.function_code, 1, 4)
        if self.function_code in _MOST:
            integer("quantity", self.quantity, 1, _MOST[self.function_code])
            last = 65536 - self.quantity
            if not (isinstance(self.address, int) and 0 <= self.address <= last):
                needed = "0..%d for %d values" % (last, self.quantity)
                raise wrong("address", self.address, needed)
        if self.function_code in _SEQUENCES or self.function_code == _READ_WRITE:
            self._check_values()

    def _put_other(self, adu):
        """Write the request PDU of another function code, or of none. Returns its length."""
        self.check_numbers()
        adu[_FRAME] = self.slave_id
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

    def _check_into(self):
        """Raise ValueError unless `into` takes the values."""
        into = self.into
        quantity = self.quantity
        if isinstance(into, list):
            if len(into) >= quantity:
                return
        elif not _is_sequence(into):
            raise wrong("into", into, "a list or another sequence")
        if len(into) < quantity:
            raise wrong("into", into, "%d values long, or longer" % quantity)
        if not _takes(into, self._hardest_value()):
            most = self._hardest_value()
            raise wrong("into", into, "a list, or an array whose items can be %d" % most)

    def _hardest_value(self):
        """Return which of the values that may be read is hardest to store in an array."""
        if self.function_code < 3:
            return 1
        return -32768 if self._is_signed() else 65535

    def _put_values(self, adu):
        """Write what FC 5, 6, 15, 16, 22 or 23 writes. Returns the PDU's length."""
        code = self.function_code
        if self.as_bytes:
            self.check_numbers()  # these codes read no bytes
        if code == 5:
            Bits.encode(adu, 10 << 3, self.values)
            adu[10] = 0xFF if self.values else 0
            adu[11] = 0
            return 5
        if code == 6:
            Registers.encode(adu, 10 << 3, self.values)
            return 5
        if code == _MASK_WRITE:
            Registers.encode(adu, 10 << 3, self.and_mask)
            Registers.encode(adu, 12 << 3, self.values)
            return 7
        if code == _READ_WRITE:
            if self.into is not None:
                self._check_into()
            address = self.write_address
            quantity = _count(self.values, "values")
            integer("number of values", quantity, 1, 121)
            integer("write_address", address, 0, 65536 - quantity)
            Registers.encode(adu, 12 << 3, address)
            Registers.encode(adu, 14 << 3, quantity)
            return self._put_sequence(adu, 16, Registers, quantity)
        kind = Bits if code == _WRITE_COILS else Registers
        return self._put_sequence(adu, 12, kind, self.quantity)

    def _put_sequence(self, adu, at, kind, quantity):
        """Write the values and their byte count, which is at adu[at]. Returns the PDU's length."""
        adu[at] = size = quantity * kind.bits + 7 >> 3
        put = put_bits if kind is Bits else put_registers
        if not put(adu, at + 1, self.values, quantity):
            self._check_values()
        return at - 6 + size

    def _check_values(self):
        """Raise ValueError for the first value that is out of range or no number."""
        low, high = (0, 1) if self.function_code == _WRITE_COILS else (-32768, 65535)
        for i in range(len(self.values)):
            if not isinstance(self.values[i], bool):  # which MicroPython takes for no int
                integer("value", self.values[i], low, high)

    # --- the value of the response

    def _is_signed(self):
        return conf.SIGNED_VALUES if self.signed is None else self.signed

    def prepare_value(self):
        """Get ready for value(), while there is time for it. It may be left out."""
        code = self.function_code
        if (0 < code < 5 or code == _READ_WRITE) and not self.as_bytes:
            self._sign = 0x80 if self._is_signed() else 0
            self._target = [0] * self.quantity if self.into is None else self.into

    def value(self, adu, n):
        """Return what the call returns for the response PDU of n bytes at adu[7], 0: none.

        Raises BadReplyError if the response does not fit the request.
        """
        values = self._target
        if values is None:
            return self._other_value(adu, n)
        self._target = None
        if self.function_code < 3:
            get_bits(values, adu, _VALUES, self.quantity)
        else:
            get_registers(values, adu, _VALUES, self.quantity, self._sign)
        return values if self.into is None else self.quantity

    def _other_value(self, adu, n):
        """As value(), of a call that does not read values, or without prepare_value()."""
        code = self.function_code
        if n == 0 or code == _MASK_WRITE:
            return None
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
        self.prepare_value()
        return self._rare_value(adu, n) if self._target is None else self.value(adu, n)

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
