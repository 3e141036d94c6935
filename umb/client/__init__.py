"""Client: every call, defined once; a driver (umb.client.tcp, umb.client.rtu) does the exchange.

Calls block until the answer is there (umb.aio has the same calls with await). They raise
ValueError for a wrong argument, before anything is sent, and an umb.errors.ModbusError for all
that the wire can do. slave_id 0 broadcasts a write: nobody answers, the call returns None.
"""

from micropython import const

from .. import conf
from ..frame import WRITES
from ..errors import BadReplyError, NoConnectionError, NoReplyError, exception_for
from ..store import Bits, Registers

# What has become of a request: 0 it is answered, 1..255 the peer's exception code, or
PENDING = -1
NO_REPLY = -2
BAD_REPLY = -3
NO_CONNECTION = -4

_MASK_WRITE = const(22)
_READ_WRITE = const(23)
_IDENTIFICATION = const(43)
_RAW = const(0)
_OURS = {NO_REPLY: NoReplyError, BAD_REPLY: BadReplyError, NO_CONNECTION: NoConnectionError}
# The most values one request may carry (AP 6.1-6.4, 6.11, 6.12, 6.17).
_MOST = {1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123, 22: 1, 23: 125}


class Client:
    """The calls. Registers take signed=None: conf.SIGNED_VALUES decides what comes out.

    into=values  reads fill a sequence that exists and return the quantity: nothing is allocated

    What a driver adds, all on the request PDU in the buffer that it shares with this class:
    clear()    throw away what has come unasked; True if that took the buffer
    start(n)   set out to send the request of n bytes; returns its status
    advance()  go on with what can be done without waiting; returns the status
    wait()     sleep until there may be something to go on with
    nap_ms()   how long that may take without missing much, for umb.aio
    abandon()  the caller gave up: leave everything so that the next call works
    """

    serial = False  # is it a serial line, where slave id 0 is never answered

    def __init__(self, adu, timeout_ms, retries):
        self.timeout_ms = timeout_ms
        self.retries = retries
        self._adu = adu
        self._n = 0  # the length of the response PDU
        self._asked = bytearray(6)  # what a write's response has to repeat
        self._slave_id = 0  # who was asked
        self._broadcast = False  # nobody is going to answer

    def read_coils(self, slave_id, starting_address, quantity, into=None):
        """FC 1: a list of 1..2000 bits."""
        return self._call(1, slave_id, starting_address, quantity, None, into)

    def read_discrete_inputs(self, slave_id, starting_address, quantity, into=None):
        """FC 2: a list of 1..2000 bits."""
        return self._call(2, slave_id, starting_address, quantity, None, into)

    def read_holding_registers(
        self, slave_id, starting_address, quantity, into=None, *, signed=None
    ):
        """FC 3: a list of 1..125 values."""
        return self._call(3, slave_id, starting_address, quantity, None, into, signed)

    def read_input_registers(
        self, slave_id, starting_address, quantity, into=None, *, signed=None
    ):
        """FC 4: a list of 1..125 values."""
        return self._call(4, slave_id, starting_address, quantity, None, into, signed)

    def write_single_coil(self, slave_id, address, value):
        """FC 5: write 0 or 1. Returns it."""
        return self._call(5, slave_id, address, 1, value)

    def write_single_register(self, slave_id, address, value, *, signed=None):
        """FC 6: write -32768..65535. Returns it."""
        return self._call(6, slave_id, address, 1, value, None, signed)

    def write_multiple_coils(self, slave_id, starting_address, values):
        """FC 15: write 1..1968 bits. Returns how many."""
        return self._call(15, slave_id, starting_address, len(values), values)

    def write_multiple_registers(self, slave_id, starting_address, values, *, signed=None):
        """FC 16: write 1..123 values of -32768..65535. Returns how many."""
        return self._call(16, slave_id, starting_address, len(values), values, None, signed)

    def mask_write_register(self, slave_id, address, and_mask, or_mask):
        """FC 22: the register becomes (it AND and_mask) OR (or_mask AND NOT and_mask)."""
        return self._call(_MASK_WRITE, slave_id, address, 1, or_mask, None, None, and_mask)

    def read_write_multiple_registers(
        self, slave_id, read_address, quantity, write_address, values, into=None, *, signed=None
    ):
        """FC 23: write 1..121 values, then read 1..125. Returns what was read."""
        return self._call(
            _READ_WRITE, slave_id, read_address, quantity, values, into, signed, write_address
        )

    def read_exception_status(self, slave_id):
        """FC 7: eight outputs that the device has chosen, as an int."""
        return self._call(7, slave_id, 0, 1)

    def diagnostics(self, slave_id, sub_function, data=0):
        """FC 8: data is 0..65535, or bytes for sub-function 0. Returns the data of the answer.

        Restarting (1) and forcing listen-only (4) may stay without one: NoReplyError.
        """
        return self._call(8, slave_id, sub_function, 1, data)

    def get_comm_event_counter(self, slave_id):
        """FC 11: (status, event count)."""
        return self._call(11, slave_id, 0, 1)

    def get_comm_event_log(self, slave_id):
        """FC 12: (status, event count, message count, events as bytes, the newest first)."""
        return self._call(12, slave_id, 0, 1)

    def report_server_id(self, slave_id):
        """FC 17: server id, run indicator (0xFF: on) and what the device adds, as bytes."""
        return self._call(17, slave_id, 0, 1)

    def read_file_record(self, slave_id, records):
        """FC 20: records are (file, record, length). Returns a list of values for each."""
        return self._call(20, slave_id, 0, 1, records)

    def write_file_record(self, slave_id, records):
        """FC 21: records are (file, record, values). Returns how many."""
        return self._call(21, slave_id, 0, 1, records)

    def read_fifo_queue(self, slave_id, address):
        """FC 24: the values in the queue, 31 at most."""
        return self._call(24, slave_id, address, 1)

    def read_device_identification(self, slave_id, code=1, object_id=0):
        """FC 43/14: {object id: bytes}. code 1 basic, 2 regular, 3 extended, 4 one object.

        Asks again as long as the device says that more follows.
        """
        return self._call(43, slave_id, code, object_id, {})

    def request(self, slave_id, pdu):
        """Send any request PDU of 1..253 bytes. Returns the response PDU as bytes."""
        return self._call(_RAW, slave_id, 0, 1, pdu)

    def _call(
        self, code, slave_id, address, quantity, values=None, into=None, signed=None, extra=0
    ):
        tries = self.retries
        while True:
            status = self._begin(code, slave_id, address, quantity, values, into, extra)
            try:
                while status == PENDING:
                    self.wait()
                    status = self.advance()
            except OSError:
                status = NO_CONNECTION
            except BaseException:
                self.abandon()
                raise
            status = self._check(status, code, quantity)
            if status < 0 and tries > 0:
                tries -= 1
                continue
            result = self._result(status, code, quantity, values, into, signed)
            if code != _IDENTIFICATION or result is values:
                return result
            quantity = values[result]  # more objects follow, from this one on

    def _begin(self, code, slave_id, address, quantity, values, into, extra):
        """Write the request and set out to send it. Returns its status."""
        n = self._build(code, slave_id, address, quantity, values, into, extra)
        try:
            if self.clear():  # what had come unasked was read into the buffer
                n = self._build(code, slave_id, address, quantity, values, into, extra)
            return self.start(n)
        except OSError:
            return NO_CONNECTION

    def _build(self, code, slave_id, address, quantity, values, into, extra):
        """The request PDU at adu[7]; returns its length. Raises ValueError."""
        adu = self._adu
        if not 0 <= slave_id <= (247 if self.serial else 255):
            raise ValueError("slave_id must be 0..%d" % (247 if self.serial else 255))
        self._slave_id = adu[6] = slave_id
        if code == _RAW:
            self._broadcast = self.serial and slave_id == 0
            return self._copy(values)
        self._broadcast = slave_id == 0 and code in WRITES
        if slave_id == 0 and self.serial and not self._broadcast:
            raise ValueError("slave_id 0 is a broadcast, which nobody answers: only write")
        if code not in _MOST:
            from .rare import build

            n = build(adu, code, address, quantity, values)
            self._asked[:2] = adu[8:10]
            return n
        if not 1 <= quantity <= _MOST[code]:
            raise ValueError("quantity must be 1..%d" % _MOST[code])
        if not 0 <= address <= 65536 - quantity:
            raise ValueError("addresses must be 0..65535")
        if into is not None and len(into) < quantity:
            raise ValueError("into must have room for quantity values")
        adu[7] = code
        adu[8] = address >> 8
        adu[9] = address & 0xFF
        adu[10] = quantity >> 8
        adu[11] = quantity & 0xFF
        n = 5 if code < 5 else self._put_values(code, values, extra)
        for i in range(6):
            self._asked[i] = adu[8 + i]
        return n

    def _copy(self, pdu):
        if not 1 <= len(pdu) <= 253:
            raise ValueError("a PDU has 1..253 bytes")
        for i in range(len(pdu)):
            self._adu[7 + i] = pdu[i]
        self._asked[0] = pdu[0]
        return len(pdu)

    def _put_values(self, code, values, extra):
        """What follows the address of a write request. Returns the PDU's length."""
        adu = self._adu
        poke = Registers.poke
        if code == 5:
            Bits.poke(adu, 10, 0, values)
            adu[10] = 0xFF if values else 0
            adu[11] = 0
            return 5
        if code == 6:
            poke(adu, 10, 0, values)
            return 5
        if code == _MASK_WRITE:
            poke(adu, 10, 0, extra)
            poke(adu, 10, 1, values)
            return 7
        at = 12
        quantity = len(values)
        if code == _READ_WRITE:
            if not 1 <= quantity <= 121 or not 0 <= extra <= 65536 - quantity:
                raise ValueError("1..121 values to addresses 0..65535 can be written")
            adu[12] = extra >> 8
            adu[13] = extra & 0xFF
            adu[14] = 0
            adu[15] = quantity
            at = 16
        size = quantity + 7 >> 3 if code == 15 else quantity << 1
        adu[at] = size
        adu[at + size] = 0  # the rest of the last byte, should these be bits
        if code == 15:
            poke = Bits.poke
        for i in range(quantity):
            poke(adu, at + 1, i, values[i])
        return at - 6 + size

    def _check(self, status, code, quantity):
        """Is what came the answer to what was asked? Returns the final status."""
        if status != 0 or self._n == 0:  # it failed, or it was a broadcast
            return status
        adu = self._adu
        n = self._n
        if code == _RAW:
            code = self._asked[0]
            if adu[7] == code:
                return 0
        if adu[7] == code | 0x80 and n == 2:
            return adu[8] or BAD_REPLY
        if adu[7] != code:
            return BAD_REPLY
        if code not in _MOST:  # decode() is going to look at the rest
            return BAD_REPLY if code == 8 and adu[8:10] != self._asked[:2] else 0
        if code < 5 or code == _READ_WRITE:
            size = quantity + 7 >> 3 if code < 3 else quantity << 1
            return 0 if n == 2 + size and adu[8] == size else BAD_REPLY
        return 0 if self._repeats(7 if code == _MASK_WRITE else 5) else BAD_REPLY

    def _repeats(self, size):
        """Does the response, as it should be long, repeat what was asked for?"""
        if self._n != size:
            return False
        for i in range(size - 1):
            if self._adu[8 + i] != self._asked[i]:
                return False
        return True

    def _result(self, status, code, quantity, values, into, signed):
        """What the call returns, or the exception that it raises."""
        if status > 0:
            raise exception_for(status)
        if status < 0:
            raise _OURS[status]
        if self._n == 0 or code == _MASK_WRITE:
            return None
        if code == _RAW:
            return bytes(self._adu[7 : 7 + self._n])
        if code not in _MOST:
            from .rare import decode

            values = decode(self._adu, self._n, code, values)
            if values is None:
                raise BadReplyError
            return values
        if code < 5 or code == _READ_WRITE:
            return self._values(code, quantity, into, signed)
        if code == 5:
            return 1 if values else 0
        return values if code == 6 else quantity

    def _values(self, code, quantity, into, signed):
        """The values of the response: as a list, or how many have been put into `into`."""
        adu = self._adu
        if signed is None:
            signed = conf.SIGNED_VALUES
        values = [0] * quantity if into is None else into
        at = 9
        if code < 3:
            for i in range(quantity):
                values[i] = adu[9 + (i >> 3)] >> (i & 7) & 1
        elif signed:
            for i in range(quantity):
                values[i] = ((adu[at] ^ 0x80) << 8 | adu[at + 1]) - 0x8000
                at += 2
        else:
            for i in range(quantity):
                values[i] = adu[at] << 8 | adu[at + 1]
                at += 2
        return values if into is None else quantity
