"""Client: every call, defined once; a driver (umb.client.tcp, umb.client.rtu) does the exchange.

Calls block until the reply is there; umb.aio has the same calls with await. They raise ValueError
for a wrong argument, before anything is sent, and an umb.errors.ModbusError for all that the wire
can do. Its text says who was asked for what, and it has slave_id, function_code and error_code.

Slave ids are 0..255. On a serial line 0 broadcasts a write: nobody answers, and the call returns
None (SL 2.1). Over a network 0 is a device as any other (TCP Guide 4.4.2.1). Client.slave() is for
a slave with settings of its own.
"""

from micropython import const

from ..check import integer, wrong
from ..fast import copy
from ..frame import WRITES
from .expected import ExpectedReply
from .request import CONNECT, RAW, Request
from .status import NO_CONNECTION, PENDING, REWRITE

TYPE_CHECKING = const(0)  # type checkers take it for true
if TYPE_CHECKING:
    from .slave import Slave

LONGEST_MS = (1 << 29) - 1  # half of the time after which ticks_ms() wraps

_PDU = const(7)  # where in the buffer the PDU begins
_VALUES = const(9)  # where in the buffer the values are that were read
_DIAGNOSTICS = const(8)
_MASK_WRITE = const(22)
_READ_WRITE = const(23)
_IDENTIFICATION = const(43)
_BUSY_CODES = const(b"\x05\x06")  # exception codes after which a retry makes sense


def boolean(name, value):
    """Raise ValueError if the argument of this name is neither True nor False."""
    if value not in (False, True):
        raise wrong(name, value, "True or False")


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

    Who shares a client and does not wait in its calls, as a Poller or a Gateway, uses
    new_request(), begin(), go_on(), give_up(), release(), is_free(), is_under_way(), begin_once(),
    end(), pause_left_ms(), nap_in_call_ms(), response_size(), copy_response(), copy_data(), and
    what the driver adds without an underscore.

    A driver adds what follows, nearly all of it about the request PDU in the buffer _adu that it
    shares with this class, _timeout_ms and the ExpectedReply _expected. When the request leaves it
    calls _prepare_reply(n) and _begin_pause(), when the reply is there _begin_pause() again.

    close()    closes what it opened; the next call opens it again
    open()     sets out to open what calls need; returns the status
    failure()  returns why that cannot be done, for an error's text
    clear()    discards what was received without a request; returns whether that used the buffer
    start(n)   sets out to send the request PDU of n bytes; returns its status. It may be REWRITE,
               if late replies were read into the buffer
    advance()  goes on with what can be done without waiting; returns the status. When that is 0
               or more, the response PDU of _n bytes is at adu[7], 0 bytes after a broadcast
    wait()     sleeps until there may be something to go on with; then as advance()
    nap_ms()   returns for how long advance() need not be called
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
        self._expected = ExpectedReply()  # to the request under way
        self._timeout_ms = timeout_ms  # of the request under way
        self._current = None  # the Request that is under way
        self._spare = []  # Requests that are not in use
        self._is_delayed = False  # the request under way waits for a pause to end
        self._forwarding = False  # a gateway's request is under way, see RTUClient.forward()
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
    ) -> "Slave":
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
        return self._call(self.new_request(CONNECT, 0, 0, 0))

    def read_coils(self, slave_id: int, starting_address: int, quantity: int, into=None) -> list:
        """FC 1 (AP 6.1): read 1..2000 bits. Returns a list of 0 and 1."""
        request = self._new_read(1, slave_id)
        request.address = starting_address
        request.quantity = quantity
        request.into = into
        return self._call(request)

    def read_discrete_inputs(
        self, slave_id: int, starting_address: int, quantity: int, into=None
    ) -> list:
        """FC 2 (AP 6.2): read 1..2000 bits. Returns a list of 0 and 1."""
        request = self._new_read(2, slave_id)
        request.address = starting_address
        request.quantity = quantity
        request.into = into
        return self._call(request)

    def read_holding_registers(
        self, slave_id: int, starting_address: int, quantity: int, into=None, *, signed=None
    ) -> list:
        """FC 3 (AP 6.3): read 1..125 registers. Returns a list of values."""
        request = self._new_read(3, slave_id)
        request.address = starting_address
        request.quantity = quantity
        request.into = into
        request.signed = signed
        return self._call(request)

    def read_input_registers(
        self, slave_id: int, starting_address: int, quantity: int, into=None, *, signed=None
    ) -> list:
        """FC 4 (AP 6.4): read 1..125 registers. Returns a list of values."""
        request = self._new_read(4, slave_id)
        request.address = starting_address
        request.quantity = quantity
        request.into = into
        request.signed = signed
        return self._call(request)

    def write_single_coil(self, slave_id: int, address: int, value: int) -> int:
        """FC 5 (AP 6.5): write 0 or 1. Returns it."""
        return self._call(self.new_request(5, slave_id, address, 1, value))

    def write_single_register(self, slave_id: int, address: int, value: int) -> int:
        """FC 6 (AP 6.6): write -32768..65535. Returns it."""
        return self._call(self.new_request(6, slave_id, address, 1, value))

    def write_multiple_coils(self, slave_id: int, starting_address: int, values) -> int:
        """FC 15 (AP 6.11): write a sequence of 1..1968 bits. Returns how many."""
        return self._call(self.new_request(15, slave_id, starting_address, None, values))

    def write_multiple_registers(self, slave_id: int, starting_address: int, values) -> int:
        """FC 16 (AP 6.12): write a sequence of 1..123 values -32768..65535. Returns how many."""
        return self._call(self.new_request(16, slave_id, starting_address, None, values))

    def mask_write_register(
        self, slave_id: int, address: int, and_mask: int, or_mask: int
    ) -> None:
        """FC 22 (AP 6.16): a register becomes (it AND and_mask) OR (or_mask AND NOT and_mask)."""
        request = self.new_request(_MASK_WRITE, slave_id, address, 1, or_mask)
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
        request = self.new_request(
            _READ_WRITE, slave_id, read_address, quantity, values, into, signed
        )
        request.write_address = write_address
        return self._call(request)

    def read_exception_status(self, slave_id: int) -> int:
        """FC 7 (AP 6.7): eight outputs that the device has chosen, as an int."""
        return self._call(self.new_request(7, slave_id, 0, 1))

    def diagnostics(self, slave_id: int, sub_function: int, data=0):
        """FC 8 (AP 6.8): data is 0..65535, or bytes for sub-function 0. Returns the answer's data.

        Restarting (1) and forcing listen-only (4) may stay without one: NoReplyError.
        """
        return self._call(self.new_request(_DIAGNOSTICS, slave_id, sub_function, 1, data))

    def get_comm_event_counter(self, slave_id: int) -> tuple:
        """FC 11 (AP 6.9): (status, event count)."""
        return self._call(self.new_request(11, slave_id, 0, 1))

    def get_comm_event_log(self, slave_id: int) -> tuple:
        """FC 12 (AP 6.10): (status, event count, message count, events as bytes, newest first)."""
        return self._call(self.new_request(12, slave_id, 0, 1))

    def report_server_id(self, slave_id: int) -> bytes:
        """FC 17 (AP 6.13): server id, run indicator (0xFF: on) and what the device adds."""
        return self._call(self.new_request(17, slave_id, 0, 1))

    def read_file_record(self, slave_id: int, records) -> list:
        """FC 20 (AP 6.14): records are (file, record, length). Returns a list of values each."""
        return self._call(self.new_request(20, slave_id, 0, 1, records))

    def write_file_record(self, slave_id: int, records) -> int:
        """FC 21 (AP 6.15): records are (file, record, values). Returns how many."""
        return self._call(self.new_request(21, slave_id, 0, 1, records))

    def read_fifo_queue(self, slave_id: int, address: int) -> list:
        """FC 24 (AP 6.18): the values in the queue, 31 at most."""
        return self._call(self.new_request(24, slave_id, address, 1))

    def read_device_identification(self, slave_id: int, code: int = 1, object_id: int = 0) -> dict:
        """FC 43/14 (AP 6.21): {object id: bytes}. code: 1 basic, 2 regular, 3 extended, 4 one.

        Asks again as long as the device says that more follows.
        """
        return self._call(self.new_request(_IDENTIFICATION, slave_id, code, object_id, {}))

    def read_bytes(
        self, slave_id: int, function_code: int, starting_address: int, quantity: int
    ) -> bytes:
        """FC 1 to 4, for devices whose registers do not have two bytes each: returns the bytes.

        The response may have any byte count.
        """
        request = self.new_request(function_code, slave_id, starting_address, quantity)
        request.as_bytes = True
        return self._call(request)

    def request(self, slave_id: int, pdu) -> bytes:
        """Send any request PDU of 1..253 bytes. Returns the response PDU.

        Of the response only the slave id and the function code are compared with the request.
        """
        return self._call(self.new_request(RAW, slave_id, 0, 1, pdu))

    def _call(self, request):
        """Exchange a request and its reply, as the caller waits. Returns what the call returns."""
        try:  # with one variable more, this frame would be on the heap, which takes 10 to 30 us
            request.status = self._start(request)
            return self._finish(request)
        finally:
            self.release(request)

    def _finish(self, request):
        """Wait for the end of a request. Returns what the call returns."""
        request.prepare_value()  # while the request leaves, or the slave works
        status = request.status
        if status != PENDING:
            status = self._decide(request, status)
        while status == PENDING:
            status = self.go_on(request, True)
        if status:
            raise self._error(request, status)
        return request.value(self._adu, self._n)

    def _error(self, request, status):
        """Return the exception that the status stands for."""
        failure = self.failure() if status == NO_CONNECTION else None
        return request.error(status, self._adu, self._n, failure)

    # --- What follows is the same for calls that block, for those of umb.aio, for umb.poller and
    # umb.gateway: begin(), then go_on() while the status is PENDING; give_up() ends it before.

    def new_request(
        self, function_code, slave_id, address=0, quantity=1, values=None, into=None, signed=None
    ):
        """Return a Request with this in it, and with the settings of the client.

        release() makes it free for another call.
        """
        request = self._new_read(function_code, slave_id)
        request.address = address
        request.quantity = quantity
        request.values = values
        request.into = into
        request.signed = signed
        self._take_settings(request)
        return request

    def _new_read(self, function_code, slave_id):
        """Return a Request for a read. It gets its settings after it has been sent."""
        request = self._spare.pop() if self._spare else Request()
        request.function_code = function_code
        request.slave_id = slave_id
        request.signed = None
        request.timeout_ms = None
        return request

    def _take_settings(self, request):
        """Give a Request the settings of the client."""
        request.timeout_ms = self.timeout_ms
        request.retries = self.retries
        request.tries = self.retries
        request.busy_pause_ms = self.busy_pause_ms
        request.strict = self.strict
        request.broadcast = self.broadcast

    def is_free(self):
        """Return whether no request is under way: whoever shares this client may begin one."""
        return self._current is None and not self._forwarding

    def is_under_way(self, request):
        """Return whether this request is under way."""
        return self._current is request

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

        Raises ValueError for a wrong argument, before anything is sent, and RuntimeError while
        another request is under way.
        """
        status = self._start(request)
        return status if status == PENDING else self._decide(request, status)

    def begin_once(self, request):
        """Set out to send a request that is not repeated. Returns its status.

        Then advance() has to be called while the status is PENDING, and end() after that. No pause
        is kept, and nothing takes memory. Raises OSError as the driver does.
        """
        status = REWRITE
        while status == REWRITE:  # late replies were read into the buffer
            n = request.put(self._adu)
            self._current = request
            status = self.start(n)
        return status

    def end(self, request):
        """Note that a request is over which begin_once() has begun."""
        if self._current is request:
            self._current = None

    def go_on(self, request, wait):
        """Go on with a request; if `wait` is true, sleep before. Returns its status."""
        try:
            if self._is_delayed:
                status = self._pause(request, wait)
            else:
                status = self.wait() if wait else self.advance()
        except OSError as error:
            status = self._failed(error)
        if status == PENDING:
            return status
        if status == 0 and request.slave is None and request.function_code != _IDENTIFICATION:
            self._current = None  # as nearly every call ends, and quicker than _decide()
            return 0
        return self._decide(request, status)

    def give_up(self, request):
        """End a request without its reply, if it is under way."""
        if self._current is request:
            self._current = None
            self._is_delayed = False
            self.abandon()

    def release(self, request):
        """End a call: its Request can be used again."""
        if self._current is request:
            self.give_up(request)
        request.values = request.into = request.slave = None
        request.as_bytes = False
        self._spare.append(request)

    def nap_in_call_ms(self):
        """Return for how many milliseconds go_on() need not be called."""
        if self._is_delayed:
            return self._pauses.left_ms(self._whom())
        return self.nap_ms()

    def response_size(self):
        """Return the length of the response PDU; 0: it was a broadcast."""
        return self._n

    def copy_response(self, buf):
        """Copy the response PDU to buf[7:]."""
        copy(buf, _PDU, self._adu, _PDU, self._n)

    def copy_data(self, buf):
        """Copy the data of a response to FC 1 to 4 to a buffer of 250 bytes."""
        copy(buf, 0, self._adu, _VALUES, self._adu[8])

    # --- the course of a request

    def _expect(self, request):
        """Note what the reply to a request has to be like, but for what its bytes decide.

        Raises ValueError if it is a read for everybody, who do not answer on a serial line.
        """
        if request.timeout_ms is None:
            self._take_settings(request)
        self._timeout_ms = request.timeout_ms
        code = request.function_code
        expected = self._expected
        expected.slave_id = request.slave_id
        expected.strict = request.strict
        expected.any_id = not request.strict
        expected.as_bytes = request.as_bytes
        expected.any_size = request.as_bytes or code == RAW
        expected.broadcast = False
        if request.slave_id == 0 and code != CONNECT:
            if request.broadcast:
                expected.broadcast = code <= RAW or code in WRITES
                if self.serial and not expected.broadcast:
                    raise wrong("slave_id of a read", 0)
            elif self.serial:
                expected.any_id = True

    def _start(self, request):
        """Have the driver send a request. Returns its status; raises as begin()."""
        current = self._current
        if (current is not None and current is not request) or self._forwarding:
            raise RuntimeError("a request of a Poller or a Gateway is under way")
        self._is_delayed = False
        try:
            n = request.put(self._adu)
            if not (n and request.slave_id):
                self._expect(request)
            self._current = request
            if not n:
                self._n = 0
                return self.open()
            if self._pauses is not None:
                self._expect(request)
                if self._pauses.left_us(self._whom()):
                    self._is_delayed = True
                    return PENDING
            return self.start(n)
        except OSError as error:
            self._expect(request)  # which gives it its settings
            return self._failed(error)
        except TypeError:
            request.check_numbers()  # says which argument is wrong
            raise

    def _pause(self, request, wait):
        """Wait for the end of a pause, then have the driver send. Returns the status."""
        if wait:
            self._pauses.wait(self._whom())
        return self._start(request) if self._is_delayed else NO_CONNECTION

    def _failed(self, error):
        """The port has raised this OSError. Returns the status."""
        self._errno = error.errno
        self.abandon()
        return NO_CONNECTION

    def _whom(self):
        """Return who is asked, as Pauses has it."""
        return -1 if self._expected.broadcast else self._expected.slave_id

    def _prepare_reply(self, n):
        """For the driver: get ready for the reply to the request PDU of n bytes at adu[7]."""
        if self._current is not None:  # else it is a gateway's, see RTUClient.forward()
            self._expect(self._current)
        self._expected.prepare(self._adu, n)

    def _begin_pause(self, leaving_us=0):
        """For the driver: begin the pause after a request or a reply, see Pauses.note()."""
        if self._pauses is not None:
            self._pauses.note(self._whom(), leaving_us)

    def _decide(self, request, status):
        """Send what has to follow: the request again, or for more objects. Returns the status."""
        while status != PENDING:
            if request.slave is not None and status != REWRITE:
                request.slave.count(status, self._n, self.took_ms())
            is_done = status == 0 and request.function_code != _IDENTIFICATION
            if is_done or not self._asks_again(request, status):
                self._current = None
                break
            status = self._start(request)
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
        self._is_delayed = False
        if self._current is not None:
            self._current.tries = 0
