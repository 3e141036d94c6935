"""Client: every call, defined once; a driver (umb.client.tcp, umb.client.rtu) does the exchange.

Calls block until the reply is there; umb.aio has the same calls with await. They raise ValueError
for a wrong argument, before anything is sent, and an umb.errors.ModbusError for all that the wire
can do. Its text says who was asked for what, and it has slave_id, function_code and error_code.

Slave ids are 0..255. On a serial line 0 broadcasts a write: nobody answers, and the call returns
None (SL 2.1). Over a network 0 is a device as any other (TCP Guide 4.4.2.1). Client.slave() is for
a slave with settings of its own.
"""

from struct import unpack_from

from micropython import const

from .. import conf
from ..check import integer, wrong
from ..errors import BadReplyError, NoConnectionError, NoReplyError, exception_for
from ..fast import copy
from ..frame import WRITES
from ..store import Bits, Registers

# The status of a request: 0 it is answered, 1..255 the peer's exception code, or one of these.
PENDING = -1
NO_REPLY = -2
BAD_REPLY = -3
NO_CONNECTION = -4
LATE_REPLY = -5  # the reply may belong to an earlier request
ODD_REPLY = -7  # the right slave and function code, but nothing else of a reply
REWRITE = -6  # nothing was sent yet, and the buffer was needed: the request has to be written anew

# The transaction id before the first one. Devices that return another id return small ones.
FIRST_TRANSACTION = 0x1233
LONGEST_MS = (1 << 29) - 1  # half of the time after which ticks_ms() wraps

_PDU = const(7)  # where in the buffer the PDU begins
_HEAD = const(7)  # the most bytes of a response PDU that are compared
# What stands for a function code in a Request:
RAW = 0  # `values` is the whole request PDU
_CONNECT = const(-1)  # nothing is sent, only a connection is wanted
_DIAGNOSTICS = const(8)
_MASK_WRITE = const(22)
_READ_WRITE = const(23)
_READ_FILE = const(20)
_IDENTIFICATION = const(43)
# The most values one request may carry (AP 6.1-6.6, 6.11, 6.12, 6.16, 6.17).
_MOST = {1: 2000, 2: 2000, 3: 125, 4: 125, 5: 1, 6: 1, 15: 1968, 16: 123, 22: 1, 23: 125}
# By function code: how many bytes behind it a response repeats from its request, and how long a
# response PDU is, whatever the request; 0: it varies (AP 6).
_REPEATED = const(b"\0\0\0\0\0\4\4\0\2\0\0\0\0\0\0\4\4\0\0\0\0\6\6")
_SIZES = const(b"\0\0\0\0\0\5\5\2\0\0\0\5\0\0\0\5\5\0\0\0\0\0\7")
_LAST = const(32)  # a second reply to one of so many earlier requests is recognized
_BUSY_CODES = const(b"\x05\x06")  # exception codes after which a retry makes sense
_ECHOED = const(b"\x08\x15")  # codes whose response is as long as the request


def reply_size(head):
    """Return how long the PDU of a normal response is, 0 if that is not known.

    head   the first 7 bytes of the request PDU
    """
    code = head[0]
    quantity = head[3] << 8 | head[4]
    if code in (1, 2):
        return 2 + (quantity + 7 >> 3)
    if code in (3, 4, _READ_WRITE):
        return 2 + 2 * quantity
    return _SIZES[code] if code < len(_SIZES) else 0


def repeated_size(code):
    """Return how many bytes behind this function code a response repeats from its request."""
    if code == _IDENTIFICATION:
        return 1  # the MEI type
    return _REPEATED[code] if code < len(_REPEATED) else 0


def _check_into(into, quantity, most):
    """Raise ValueError unless `into` takes so many values. `most` is hardest to store."""
    if isinstance(into, list) and len(into) >= quantity:
        return
    if count(into, "into") < quantity:
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


def boolean(name, value):
    """Raise ValueError if the argument of this name is neither True nor False."""
    if value not in (False, True):
        raise wrong(name, value, "True or False")


def count(values, name):
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


def _get_bits(adu, values, quantity):
    """Put the bits of a response into `values`."""
    for i in range(quantity):
        values[i] = adu[9 + (i >> 3)] >> (i & 7) & 1


def _get_registers(adu, values, quantity, sign):
    """Put the registers of a response into `values`. sign: 0x80 if they are signed, or 0."""
    at = 9
    for i in range(quantity):
        values[i] = ((adu[at] ^ sign) << 8 | adu[at + 1]) - (sign << 8)
        at += 2


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


class Client:
    """The calls, as every transport has them.

    into=values  has a read put its values into a sequence that exists, and return the quantity:
                 then nothing is allocated. A list will do, or an array whose items can hold them
    signed       whether registers that were read are -32768..32767 instead of 0..65535;
                 None: umb.conf.SIGNED_VALUES decides

    Every client is made with these settings, too:

    retries        how many times a call asks again if no reply comes, or none that is right
    pause_ms       how long no request is sent after a request, and after its reply
    busy_pause_ms  if not 0, exceptions 5 and 6 (acknowledge, busy) are followed by retries, too,
                   after a pause of this length, which doubles each time
    strict         False: a reply counts whose transaction id or slave id differs, or the echo of a
                   write, as long as it can only be the answer. What was read still has to be as
                   long as was asked for. Not for buses with several masters, nor for lines whose
                   echo is received

    A client is a context manager, which connects and closes. All calls raise:

    ValueError         for an argument that is out of range or of the wrong kind; nothing was sent
    NoReplyError       if nothing was received within timeout_ms, each of 1 + retries times
    BadReplyError      if what was received does not answer the request. If it is of the right
                       slave and function code, it is in `reply`: a write has been done then
    NoConnectionError  if the peer cannot be reached, or the serial device failed
    another umb.errors.ModbusError   if the peer refused, with its exception code

    A driver adds this, nearly all of it about the request PDU in the buffer that it shares with
    this class:

    close()    closes what it opened; the next call opens it again
    open()     sets out to open what calls need; returns the status
    failure()  returns why that cannot be done, for an error's text
    clear()    discards what was received without a request; returns whether that used the buffer
    start(n)   sets out to send the request PDU of n bytes; returns its status
    advance()  goes on with what can be done without waiting; returns the status
    wait()     sleeps until there may be something to go on with
    nap_ms()   returns for how long advance() need not be called, for umb.aio
    took_ms()  returns how many milliseconds ago the request was sent
    abandon()  ends the request under way, so that the next one works
    watch(poller)   uses this select.poll from now on, too: it wakes when something comes
    sleep(wait_ms)  sleeps so long, or until that select.poll reports something
    """

    serial = False  # whether it is a serial line, where broadcasts are not answered
    broadcast = False  # whether slave id 0 is everybody; else it is a device as any other

    def __init__(self, adu, timeout_ms, retries, pause_ms=0, busy_pause_ms=0, strict=True):
        integer("timeout_ms", timeout_ms, 1, LONGEST_MS)
        integer("retries", retries, 0, LONGEST_MS)
        integer("pause_ms", pause_ms, 0, LONGEST_MS)
        integer("busy_pause_ms", busy_pause_ms, 0, LONGEST_MS)
        boolean("strict", strict)
        self.timeout_ms = timeout_ms
        self.retries = retries
        self.busy_pause_ms = busy_pause_ms
        self.strict = strict
        self._adu = adu
        self._n = 0  # the length of the response PDU
        self._head = bytearray(_HEAD)  # how the response PDU is to begin
        self._head_size = 1  # the bytes of it that are compared
        self._reply_size = 0  # how long the response PDU is to be, 0: it is not known
        self._slave_id = 0  # the slave that the request is for
        self._broadcast = False  # whether the request is a broadcast, which is not answered
        self._strict = True  # whether what differs from the request is no reply
        self._any_id = False  # whether the reply may come with any slave id
        self._any_size = False  # whether the response may have any length,
        self._as_bytes = False  # as long as its byte count is that of its bytes
        self._exact = False  # whether a reply has had the transaction id of its request
        self._stale = False  # whether a late reply may still come
        self._timeout_ms = timeout_ms  # of the request under way
        self._current = None  # the Request that is under way
        self._spare = []  # Requests that are not in use
        self._delayed = 0  # the length of the request PDU that waits for a pause to end; 0: none
        self._pauses = None  # the Pauses to keep
        if pause_ms or busy_pause_ms:
            self._make_pauses(pause_ms)
        self._errno = 0  # of the last OSError, or what explains that there is no connection

    def _make_pauses(self, pause_ms=0):
        if self._pauses is None:
            from .pauses import Pauses

            self._pauses = Pauses(pause_ms)
        return self._pauses

    def slave(
        self,
        slave_id: int,
        *,
        timeout_ms=None,
        retries=None,
        pause_ms=None,
        busy_pause_ms=None,
        strict=None,
        broadcast=None,
    ):
        """Return a umb.client.slave.Slave: this slave, with settings and counters of its own.

        pause_ms    how long no request is sent to this slave after each request and each reply,
                    through this client or its gateway
        broadcast   False: slave id 0 is a device; on a serial line it may answer with any slave id

        The others are those of the client; None: as the client has them set. Raises ValueError for
        a wrong argument.
        """
        from .slave import Slave

        return Slave(
            self, slave_id, timeout_ms, retries, pause_ms, busy_pause_ms, strict, broadcast
        )

    def keep_pause(self, slave_id, pause_ms):
        """Set how long no request is sent to this slave after a request, and after a reply."""
        self._make_pauses().keep(slave_id, pause_ms)

    def __enter__(self):
        self.connect()
        return self

    def __exit__(self, *_):
        self.close()

    def failure(self):
        """Return why a call could not do its work, for an error's text."""
        return "no connection"

    def open(self):
        """Return the status: calls connect by themselves."""
        return 0

    def connect(self) -> None:
        """Connect, unless there is a connection. Raises NoConnectionError.

        Calls do so by themselves; this is for programs that want to know, or to be early.
        """
        return self._call(self._request(_CONNECT, 0, 0, 0))

    def read_coils(self, slave_id: int, starting_address: int, quantity: int, into=None) -> list:
        """FC 1 (AP 6.1): read 1..2000 bits. Returns a list of 0 and 1."""
        request = self._request(1, slave_id, starting_address, quantity)
        request.into = into
        return self._call(request)

    def read_discrete_inputs(
        self, slave_id: int, starting_address: int, quantity: int, into=None
    ) -> list:
        """FC 2 (AP 6.2): read 1..2000 bits. Returns a list of 0 and 1."""
        request = self._request(2, slave_id, starting_address, quantity)
        request.into = into
        return self._call(request)

    def read_holding_registers(
        self, slave_id: int, starting_address: int, quantity: int, into=None, *, signed=None
    ) -> list:
        """FC 3 (AP 6.3): read 1..125 registers. Returns a list of values."""
        request = self._request(3, slave_id, starting_address, quantity)
        request.into = into
        request.signed = signed
        return self._call(request)

    def read_input_registers(
        self, slave_id: int, starting_address: int, quantity: int, into=None, *, signed=None
    ) -> list:
        """FC 4 (AP 6.4): read 1..125 registers. Returns a list of values."""
        request = self._request(4, slave_id, starting_address, quantity)
        request.into = into
        request.signed = signed
        return self._call(request)

    def write_single_coil(self, slave_id: int, address: int, value: int) -> int:
        """FC 5 (AP 6.5): write 0 or 1. Returns it."""
        return self._call(self._request(5, slave_id, address, 1, value))

    def write_single_register(self, slave_id: int, address: int, value: int) -> int:
        """FC 6 (AP 6.6): write -32768..65535. Returns it."""
        return self._call(self._request(6, slave_id, address, 1, value))

    def write_multiple_coils(self, slave_id: int, starting_address: int, values) -> int:
        """FC 15 (AP 6.11): write a sequence of 1..1968 bits. Returns how many."""
        return self._call(self._request(15, slave_id, starting_address, None, values))

    def write_multiple_registers(self, slave_id: int, starting_address: int, values) -> int:
        """FC 16 (AP 6.12): write a sequence of 1..123 values -32768..65535. Returns how many."""
        return self._call(self._request(16, slave_id, starting_address, None, values))

    def mask_write_register(
        self, slave_id: int, address: int, and_mask: int, or_mask: int
    ) -> None:
        """FC 22 (AP 6.16): a register becomes (it AND and_mask) OR (or_mask AND NOT and_mask)."""
        request = self._request(_MASK_WRITE, slave_id, address, 1, or_mask)
        request.and_mask = and_mask
        return self._call(request)

    def read_write_multiple_registers(
        self,
        slave_id: int,
        read_address: int,
        quantity: int,
        write_address: int,
        values,
        into=None,
        *,
        signed=None,
    ) -> list:
        """FC 23 (AP 6.17): write 1..121 values, then read 1..125. Returns what was read."""
        request = self._request(_READ_WRITE, slave_id, read_address, quantity, values)
        request.write_address = write_address
        request.into = into
        request.signed = signed
        return self._call(request)

    def read_exception_status(self, slave_id: int) -> int:
        """FC 7 (AP 6.7): eight outputs that the device has chosen, as an int."""
        return self._call(self._request(7, slave_id, 0, 1))

    def diagnostics(self, slave_id: int, sub_function: int, data=0):
        """FC 8 (AP 6.8): data is 0..65535, or bytes for sub-function 0. Returns the answer's data.

        Restarting (1) and forcing listen-only (4) may stay without one: NoReplyError.
        """
        return self._call(self._request(_DIAGNOSTICS, slave_id, sub_function, 1, data))

    def get_comm_event_counter(self, slave_id: int) -> tuple:
        """FC 11 (AP 6.9): (status, event count)."""
        return self._call(self._request(11, slave_id, 0, 1))

    def get_comm_event_log(self, slave_id: int) -> tuple:
        """FC 12 (AP 6.10): (status, event count, message count, events as bytes, newest first)."""
        return self._call(self._request(12, slave_id, 0, 1))

    def report_server_id(self, slave_id: int) -> bytes:
        """FC 17 (AP 6.13): server id, run indicator (0xFF: on) and what the device adds."""
        return self._call(self._request(17, slave_id, 0, 1))

    def read_file_record(self, slave_id: int, records) -> list:
        """FC 20 (AP 6.14): records are (file, record, length). Returns a list of values each."""
        return self._call(self._request(20, slave_id, 0, 1, records))

    def write_file_record(self, slave_id: int, records) -> int:
        """FC 21 (AP 6.15): records are (file, record, values). Returns how many."""
        return self._call(self._request(21, slave_id, 0, 1, records))

    def read_fifo_queue(self, slave_id: int, address: int) -> list:
        """FC 24 (AP 6.18): the values in the queue, 31 at most."""
        return self._call(self._request(24, slave_id, address, 1))

    def read_device_identification(self, slave_id: int, code: int = 1, object_id: int = 0) -> dict:
        """FC 43/14 (AP 6.21): {object id: bytes}. code: 1 basic, 2 regular, 3 extended, 4 one.

        Asks again as long as the device says that more follows.
        """
        return self._call(self._request(_IDENTIFICATION, slave_id, code, object_id, {}))

    def read_bytes(
        self, slave_id: int, function_code: int, starting_address: int, quantity: int
    ) -> bytes:
        """FC 1 to 4, for devices whose registers do not have two bytes each: returns the bytes.

        The response may have any byte count.
        """
        request = self._request(function_code, slave_id, starting_address, quantity)
        request.as_bytes = True
        return self._call(request)

    def request(self, slave_id: int, pdu) -> bytes:
        """Send any request PDU of 1..253 bytes. Returns the response PDU.

        Of the response only the slave id and the function code are compared with the request.
        """
        return self._call(self._request(RAW, slave_id, 0, 1, pdu))

    def _request(self, function_code, slave_id, address, quantity, values=None):
        """Return a Request with this in it, and all else as most calls want it."""
        request = self._spare.pop() if self._spare else Request()
        request.function_code = function_code
        request.slave_id = slave_id
        request.address = address
        request.quantity = quantity
        request.values = values
        request.signed = None
        request.as_bytes = False
        request.timeout_ms = self.timeout_ms
        request.retries = request.tries = self.retries
        request.busy_pause_ms = self.busy_pause_ms
        request.strict = self.strict
        request.broadcast = self.broadcast
        request.slave = None
        return request

    def _call(self, request):
        """Exchange a request and its reply, as the caller waits. Returns what the call returns."""
        try:
            status = self.begin(request)
            while status == PENDING:
                status = self.go_on(request, True)
            return self._result(request, status)
        finally:
            self.release(request)

    # What follows is the same for calls that block, for those of umb.aio and for umb.poller:
    # begin(), then go_on() while the status is PENDING; give_up() ends it before.

    def is_free(self):
        """Return whether no request is under way: whoever shares this client may begin one."""
        return self._current is None

    def late_ms(self, slave_id, now_ms):
        """Return for how many milliseconds a late reply of this slave may come at most."""
        return 0  # networks have transaction ids

    def pause_left_ms(self, slave_id, now_ms):
        """Return for how many milliseconds a request to this slave would have to wait at most."""
        wait_ms = self.late_ms(slave_id, now_ms)
        if self._pauses is None:
            return wait_ms
        if slave_id == 0 and self.broadcast:
            slave_id = -1
        return max(wait_ms, self._pauses.left_ms(slave_id))

    def begin(self, request):
        """Set out to send a request. Returns its status.

        Raises RuntimeError while another one is under way.
        """
        if not self.is_free():
            raise RuntimeError("a request of a Poller or a Gateway is under way")
        n = self._put_request(request)  # raises ValueError before anything is sent
        self._current = request
        return self._decide(request, self._start(request, n))

    def go_on(self, request, wait):
        """Go on with a request; if `wait` is true, sleep before. Returns its status."""
        status = self._pause(request, wait) if self._delayed else self._drive(wait)
        return status if status == PENDING else self._decide(request, status)

    def _pause(self, request, wait):
        """Wait for the end of a pause, then have the driver send. Returns the status."""
        if wait:
            self._pauses.wait(self._whom())
        return self._start(request, self._delayed)

    def rest_ms(self):
        """Return for how many milliseconds go_on() need not be called."""
        if self._delayed:
            return self._pauses.left_ms(self._whom())
        return self.nap_ms()

    def _note(self, leaving_ms=0):
        """For the driver: begin the pause after a request or a reply, see Pauses.note()."""
        if self._pauses is not None:
            self._pauses.note(self._whom(), leaving_ms)

    def _whom(self):
        """Return who is asked, as Pauses has it."""
        return -1 if self._broadcast else self._slave_id

    def _drive(self, wait):
        """Have the driver go on. Returns the status."""
        try:
            if wait:
                self.wait()
            return self.advance()
        except OSError as error:
            return self._failed(error)

    def _start(self, request, n):
        """Have the driver send the request PDU of n bytes in the buffer. Returns its status."""
        self._delayed = 0
        try:
            if request.function_code == _CONNECT:
                return self.open()
            if self._pauses is not None and self._pauses.left_ms(self._whom()):
                self._delayed = n
                return PENDING
            if self.clear():  # late replies were read into the buffer
                n = self._put_request(request)
            return self.start(n)
        except OSError as error:
            return self._failed(error)

    def _failed(self, error):
        """The port has raised this OSError. Returns the status."""
        self._errno = error.errno
        self.abandon()
        return NO_CONNECTION

    def _decide(self, request, status):
        """Send what has to follow: the request again, or for more objects. Returns the status."""
        while status != PENDING:
            if status == 0 and self._n and not self.serial:
                status = self.reply_status()  # RTUClient has looked already
            if request.slave is not None and status != REWRITE:
                request.slave.count(status, self._n, self.took_ms())
            is_done = status == 0 and request.function_code != _IDENTIFICATION
            if is_done or not self._asks_again(request, status):
                self._current = None
                break
            status = self._start(request, self._put_request(request))
        return status

    def _asks_again(self, request, status):
        """Return whether one more request has to be sent, which is ready then."""
        if status == REWRITE:
            return True
        if status < 0:
            request.tries -= 1
            return request.tries >= 0
        if status in _BUSY_CODES and request.busy_pause_ms:
            request.tries -= 1
            self._make_pauses().hold(request.busy_pause_ms)
            request.busy_pause_ms = min(2 * request.busy_pause_ms, LONGEST_MS)
            return request.tries >= 0
        if status or self._n == 0:
            return False
        from .rare import MORE, decode

        if decode(self._adu, self._n, _IDENTIFICATION, request.values) != MORE:
            return False
        request.quantity = request.values[MORE]  # the first one of those that follow
        return True

    def _stop_retries(self):
        """Let the call that is under way, if there is one, end at its next failure."""
        self._delayed = 0
        if self._current is not None:
            self._current.tries = 0

    def give_up(self, request):
        """End a request without its reply, if it is under way."""
        if self._current is request:
            self._current = None
            self._delayed = 0
            self.abandon()

    def release(self, request):
        """End a call: its Request can be used again."""
        self.give_up(request)
        request.values = request.into = request.slave = None
        self._spare.append(request)

    def _put_request(self, request):
        """Write the request PDU at adu[7]. Returns its length; raises ValueError."""
        slave_id = request.slave_id
        if not (isinstance(slave_id, int) and 0 <= slave_id <= 255):
            raise wrong("slave_id", slave_id, "0..255")
        self._adu[6] = slave_id
        self._ask(slave_id, request.strict, request.broadcast)
        self._timeout_ms = request.timeout_ms
        code = request.function_code
        self._as_bytes = request.as_bytes
        if self._as_bytes:
            integer("function_code", code, 1, 4)
        if code == _CONNECT:
            self._n = 0
            return 0
        everybody = slave_id == 0 and request.broadcast
        self._broadcast = everybody and (code == RAW or code in WRITES)
        if everybody and self.serial and not self._broadcast:
            raise wrong("slave_id of a read", 0)
        values = request.values
        if code in _MOST:
            n = self._put_standard(request)
        elif code == RAW:
            n = count(values, "pdu")
            integer("length of a PDU", n, 1, 253)
            for i in range(n):
                integer("byte of a PDU", values[i], 0, 255)
                self._adu[_PDU + i] = values[i]
        else:
            from .rare import build

            n = build(self._adu, code, request.address, request.quantity, values)
        self._head[0] = self._adu[_PDU]
        self._any_size = code == RAW or request.as_bytes
        return n

    def _ask(self, slave_id, strict, broadcast):
        """Set the slave of the request, how its reply is compared, and whether 0 is everybody."""
        self._slave_id = slave_id
        self._strict = strict
        self._any_id = not strict or (self.serial and slave_id == 0 and not broadcast)
        self._any_size = self._as_bytes = False

    def _expect_reply(self, n):
        """For the driver: note what the response to the PDU of n bytes at adu[7] is to be like."""
        head = self._head
        copy(head, 0, self._adu, _PDU, _HEAD)
        code = head[0]
        self._reply_size = size = n if code in _ECHOED else reply_size(head)
        self._head_size = 1 + repeated_size(code)
        if 0 < code < 5 or code == _READ_WRITE:
            head[1] = size - 2 & 0xFF  # the byte count
            self._head_size = 2
        elif code == _READ_FILE:
            self._expect_records(n)
        elif code == _DIAGNOSTICS and not head[1] | head[2]:
            self._head_size = min(n, _HEAD)  # a loopback: all of it is repeated
        if self._any_size:
            self._reply_size = 0
            self._head_size = 1

    def _expect_records(self, n):
        """Note what the response to the request of FC 20 at adu[7] has to be like."""
        adu = self._adu
        size = 2
        n += 5
        at = 12  # where the length of each record begins
        while at < n:
            size += (adu[at + 2] << 9) + 2 * adu[at + 3] + 2
            at += 7
        self._reply_size = size
        self._head[1] = size - 2 & 0xFF
        self._head[2] = 1 + 2 * adu[15] & 0xFF  # the length of the first one, with its type
        self._head_size = 3

    def _put_standard(self, request):
        """Write the request PDU of FC 1 to 6, 15, 16, 22 or 23. Returns its length."""
        code = request.function_code
        address = request.address
        if code in (15, 16):
            request.quantity = count(request.values, "values")
        quantity = request.quantity
        if not (isinstance(quantity, int) and 1 <= quantity <= _MOST[code]):
            raise wrong("quantity", quantity, "1..%d" % _MOST[code])
        if not (isinstance(address, int) and 0 <= address <= 65536 - quantity):
            raise wrong("address", address, "0..%d for %d values" % (65536 - quantity, quantity))
        if request.signed is None:
            request.signed = conf.SIGNED_VALUES
        if request.into is not None:
            most = 1 if code < 3 else -32768 if request.signed else 65535
            _check_into(request.into, quantity, most)
        adu = self._adu
        adu[7] = code
        adu[8] = address >> 8
        adu[9] = address & 0xFF
        adu[10] = quantity >> 8
        adu[11] = quantity & 0xFF
        if code < 5:
            return 5
        if code < 7 or code == _MASK_WRITE:
            return self._put_value(request)
        return self._put_values(request)

    def _put_value(self, request):
        """Write what follows the address of FC 5, 6 or 22. Returns the PDU's length."""
        adu = self._adu
        value = request.values
        if request.function_code == 5:
            Bits.encode(adu, 10 << 3, value)
            adu[10] = 0xFF if value else 0
            adu[11] = 0
            return 5
        if request.function_code == 6:
            Registers.encode(adu, 10 << 3, value)
            return 5
        Registers.encode(adu, 10 << 3, request.and_mask)
        Registers.encode(adu, 12 << 3, value)
        return 7

    def _put_values(self, request):
        """Write what follows the quantity of FC 15, 16 or 23. Returns the PDU's length."""
        adu = self._adu
        values = request.values
        quantity = count(values, "values")
        kind = Registers
        size = quantity << 1
        at = 12
        if request.function_code == 15:
            kind = Bits
            size = quantity + 7 >> 3
        elif request.function_code == _READ_WRITE:
            address = request.write_address
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

    def reply_status(self):
        """Compare the response PDU of _n bytes with the request.

        Returns 0 if it answers the request, the exception code if it refuses it, ODD_REPLY if only
        the function code is right, or BAD_REPLY.
        """
        adu = self._adu
        head = self._head
        n = self._n
        if adu[7] != head[0]:
            return (adu[8] or BAD_REPLY) if n == 2 and adu[7] == head[0] | 0x80 else BAD_REPLY
        if not self._strict and head[0] in WRITES:  # the echo of a write has no other meaning
            return 0
        if self._as_bytes:
            return 0 if n > 1 and n == 2 + adu[8] else ODD_REPLY
        i = self._head_size
        if n < i or (self._reply_size and n != self._reply_size):
            return ODD_REPLY
        while i > 1:
            i -= 1
            if adu[_PDU + i] != head[i]:
                return ODD_REPLY
        return 0

    def _is_answer(self, ago, n):
        """For networks: return whether the PDU of n bytes at adu[7] is the reply, right or wrong.

        ago   how many transactions ago the request with its transaction id was sent
        """
        ago &= 0xFFFF
        if ago == 0 and self._adu[6] == self._slave_id:
            self._exact = True
            return True
        if not self._any_id or (self._exact and 0 < ago <= _LAST):  # a second reply
            return False
        self._n = n
        return self.reply_status() >= 0

    def copy_response(self, buf):
        """Copy the data of a response to FC 1 to 4 to a buffer of 250 bytes."""
        copy(buf, 0, self._adu, 9, self._adu[8])

    def _result(self, request, status):
        """Return what the call returns, or raise the exception that the status stands for."""
        if status:
            raise self._error(request, status)
        if self._n == 0:
            return None
        code = request.function_code
        if (0 < code < 5 or code == _READ_WRITE) and not request.as_bytes:
            return self._values(request)
        if code == 5:
            return 1 if request.values else 0
        if code == 6:
            return request.values
        if code == _MASK_WRITE:
            return None
        if code in (15, 16):
            return request.quantity
        values = self._bytes(request)
        if values is None:
            raise self._error(request, ODD_REPLY)
        return values

    def _bytes(self, request):
        """Return the value of a less common response; None: it does not fit the request."""
        adu = self._adu
        n = self._n
        if request.as_bytes:
            return bytes(adu[9 : _PDU + n])
        if request.function_code == RAW:
            return bytes(adu[_PDU : _PDU + n])
        from .rare import decode

        return decode(adu, n, request.function_code, request.values, self._strict)

    def _values(self, request):
        """Return the values of the response: as a list, or how many were put into `into`."""
        quantity = request.quantity
        values = request.into
        if request.function_code < 3:
            values = [0] * quantity if values is None else values
            _get_bits(self._adu, values, quantity)
        elif values is None:
            kind = "h" if request.signed else "H"
            return list(unpack_from(">%d%s" % (quantity, kind), self._adu, 9))
        else:
            _get_registers(self._adu, values, quantity, 0x80 if request.signed else 0)
        return values if request.into is None else quantity

    def _error(self, request, status):
        """Return the exception that the status stands for."""
        slave_id = request.slave_id
        code = request.function_code
        asked = "FC %d" % self._head[0]
        if code in _MOST or code == 24:
            asked += " at %d" % request.address
            if code < 5 or code in (15, 16, _READ_WRITE):
                asked += " x %d" % request.quantity
        if status > 0:
            error = exception_for(status, slave_id, asked)
        elif status == NO_REPLY:
            text = "slave %d did not answer %s within %d ms"
            text %= (slave_id, asked, request.timeout_ms)
            error = NoReplyError(
                text + (", %d times" % (1 + request.retries) if request.retries else "")
            )
        elif status == NO_CONNECTION:
            text = self.failure()
            if code != _CONNECT:
                text = "%s, asking slave %d %s" % (text, slave_id, asked)
            error = NoConnectionError(text)
        elif status == LATE_REPLY:
            text = "slave %d answered %s, or else an earlier request"
            error = BadReplyError(text % (slave_id, asked))
        else:
            text = "slave %d gave no valid answer to %s" % (slave_id, asked)
            reply = None
            if status == ODD_REPLY:
                reply = bytes(self._adu[_PDU : _PDU + self._n])
                text += ", but the bytes %r" % reply
            error = BadReplyError(text)
            error.reply = reply
        error.slave_id = slave_id
        error.function_code = None if code == _CONNECT else self._head[0]
        return error
