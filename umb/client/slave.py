"""Slave: one slave behind a client, with settings and counters of its own.

    meter = bus.slave(7, timeout_ms=300, pause_ms=50)
    meter.read_input_registers(0, 2)
    print(meter.answers, "of", meter.requests)

Client.slave() creates it and loads this module. Calls allocate as those of the client do.
"""

from micropython import const

from ..check import integer, wrong
from .request import RAW
from .status import NO_CONNECTION, NO_REPLY

_MASK_WRITE = const(22)
_READ_WRITE = const(23)
_DIAGNOSTICS = const(8)
_IDENTIFICATION = const(43)
_LONGEST_TIMEOUT_MS = const((1 << 29) - 1)  # half of the time after which ticks_ms() wraps


class Slave:
    """The calls of `client`, without their first argument; what they raise is said there.

    timeout_ms, retries, busy_pause_ms, strict, broadcast   as Client.slave() has them; they may be
              changed at any time. None: as the client has them set

    Every request that was sent counts, with those of retries:

    requests     how many there were
    answers      how many were answered correctly
    exceptions   how many were refused with an exception code
    time_outs    how many got no reply
    bad_replies  how many got a reply that is not valid. The rest are broadcasts, and requests for
                 which there was no connection
    last_ms      how long after the end of the request the last reply was received
    longest_ms   the longest of these times
    """

    def __init__(
        self, client, slave_id, timeout_ms, retries, pause_ms, busy_pause_ms, strict, broadcast
    ):
        integer("slave_id", slave_id, 0, 255)
        for name, value, least in (
            ("timeout_ms", timeout_ms, 1),
            ("retries", retries, 0),
            ("pause_ms", pause_ms, 0),
            ("busy_pause_ms", busy_pause_ms, 0),
        ):
            if value is not None:
                integer(name, value, least, _LONGEST_TIMEOUT_MS)
        for name, value in (("strict", strict), ("broadcast", broadcast)):
            if value not in (None, False, True):
                raise wrong(name, value, "True, False or None")
        if pause_ms is not None:
            client.keep_pause(slave_id, pause_ms)
        self.client = client
        self.slave_id = slave_id
        self.timeout_ms = timeout_ms
        self.retries = retries
        self.busy_pause_ms = busy_pause_ms
        self.strict = strict
        self.broadcast = broadcast
        self.requests = self.answers = self.exceptions = self.time_outs = self.bad_replies = 0
        self.last_ms = self.longest_ms = 0

    def count(self, status, n, took_ms):
        """For the client: count a request with this status and a reply of n bytes."""
        self.requests += 1
        if status == NO_REPLY:
            self.time_outs += 1
        elif status > 0:
            self.exceptions += 1
        elif status:
            self.bad_replies += status != NO_CONNECTION
        else:
            self.answers += n > 0
        if status > 0 or (status == 0 and n):
            self.last_ms = took_ms
            self.longest_ms = max(took_ms, self.longest_ms)

    def _call(self, request):
        return self.client._call(request)

    def _request(self, function_code, address, quantity, values=None, into=None, signed=None):
        """Return the client's Request with this in it, and with the settings of this slave."""
        request = self.client.new_request(function_code, self.slave_id, address, quantity, values)
        request.into = into
        request.signed = signed
        request.slave = self
        if self.timeout_ms is not None:
            request.timeout_ms = self.timeout_ms
        if self.retries is not None:
            request.retries = request.tries = self.retries
        if self.busy_pause_ms is not None:
            request.busy_pause_ms = self.busy_pause_ms
        if self.strict is not None:
            request.strict = self.strict
        if self.broadcast is not None:
            request.broadcast = self.broadcast
        return request

    def read_coils(self, starting_address: int, quantity: int, into=None) -> list:
        """FC 1 (AP 6.1): read 1..2000 bits. Returns a list of 0 and 1."""
        request = self._request(1, starting_address, quantity)
        request.into = into
        return self._call(request)

    def read_discrete_inputs(self, starting_address: int, quantity: int, into=None) -> list:
        """FC 2 (AP 6.2): read 1..2000 bits. Returns a list of 0 and 1."""
        request = self._request(2, starting_address, quantity)
        request.into = into
        return self._call(request)

    def read_holding_registers(
        self, starting_address: int, quantity: int, into=None, *, signed=None
    ) -> list:
        """FC 3 (AP 6.3): read 1..125 registers. Returns a list of values."""
        request = self._request(3, starting_address, quantity)
        request.into = into
        request.signed = signed
        return self._call(request)

    def read_input_registers(
        self, starting_address: int, quantity: int, into=None, *, signed=None
    ) -> list:
        """FC 4 (AP 6.4): read 1..125 registers. Returns a list of values."""
        request = self._request(4, starting_address, quantity)
        request.into = into
        request.signed = signed
        return self._call(request)

    def write_single_coil(self, address: int, value: int) -> int:
        """FC 5 (AP 6.5): write 0 or 1. Returns it."""
        return self._call(self._request(5, address, 1, value))

    def write_single_register(self, address: int, value: int) -> int:
        """FC 6 (AP 6.6): write -32768..65535. Returns it."""
        return self._call(self._request(6, address, 1, value))

    def write_multiple_coils(self, starting_address: int, values) -> int:
        """FC 15 (AP 6.11): write a sequence of 1..1968 bits. Returns how many."""
        return self._call(self._request(15, starting_address, None, values))

    def write_multiple_registers(self, starting_address: int, values) -> int:
        """FC 16 (AP 6.12): write a sequence of 1..123 values -32768..65535. Returns how many."""
        return self._call(self._request(16, starting_address, None, values))

    def mask_write_register(self, address: int, and_mask: int, or_mask: int) -> None:
        """FC 22 (AP 6.16): a register becomes (it AND and_mask) OR (or_mask AND NOT and_mask)."""
        request = self._request(_MASK_WRITE, address, 1, or_mask)
        request.and_mask = and_mask
        return self._call(request)

    def read_write_multiple_registers(
        self,
        read_address: int,
        quantity: int,
        write_address: int,
        values,
        into=None,
        *,
        signed=None,
    ) -> list:
        """FC 23 (AP 6.17): write 1..121 values, then read 1..125. Returns what was read."""
        request = self._request(_READ_WRITE, read_address, quantity, values, into, signed)
        request.write_address = write_address
        return self._call(request)

    def read_exception_status(self) -> int:
        """FC 7 (AP 6.7): eight outputs that the device has chosen, as an int."""
        return self._call(self._request(7, 0, 1))

    def diagnostics(self, sub_function: int, data=0):
        """FC 8 (AP 6.8): data is 0..65535, or bytes for sub-function 0. Returns the answer's data.

        Restarting (1) and forcing listen-only (4) may stay without one: NoReplyError.
        """
        return self._call(self._request(_DIAGNOSTICS, sub_function, 1, data))

    def get_comm_event_counter(self) -> tuple:
        """FC 11 (AP 6.9): (status, event count)."""
        return self._call(self._request(11, 0, 1))

    def get_comm_event_log(self) -> tuple:
        """FC 12 (AP 6.10): (status, event count, message count, events as bytes, newest first)."""
        return self._call(self._request(12, 0, 1))

    def report_server_id(self) -> bytes:
        """FC 17 (AP 6.13): server id, run indicator (0xFF: on) and what the device adds."""
        return self._call(self._request(17, 0, 1))

    def read_file_record(self, records) -> list:
        """FC 20 (AP 6.14): records are (file, record, length). Returns a list of values each."""
        return self._call(self._request(20, 0, 1, records))

    def write_file_record(self, records) -> int:
        """FC 21 (AP 6.15): records are (file, record, values). Returns how many."""
        return self._call(self._request(21, 0, 1, records))

    def read_fifo_queue(self, address: int) -> list:
        """FC 24 (AP 6.18): the values in the queue, 31 at most."""
        return self._call(self._request(24, address, 1))

    def read_device_identification(self, code: int = 1, object_id: int = 0) -> dict:
        """FC 43/14 (AP 6.21): {object id: bytes}. code: 1 basic, 2 regular, 3 extended, 4 one.

        Asks again as long as the device says that more follows.
        """
        return self._call(self._request(_IDENTIFICATION, code, object_id, {}))

    def read_bytes(self, function_code: int, starting_address: int, quantity: int) -> bytes:
        """FC 1 to 4, for devices whose registers do not have two bytes each: returns the bytes.

        The response may have any byte count.
        """
        request = self._request(function_code, starting_address, quantity)
        request.as_bytes = True
        return self._call(request)

    def request(self, pdu) -> bytes:
        """Send any request PDU of 1..253 bytes. Returns the response PDU.

        Of the response only the slave id and the function code are compared with the request.
        """
        return self._call(self._request(RAW, 0, 1, pdu))
