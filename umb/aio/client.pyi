# Written by `python3 tools/dev.py stubs` from umb/client/__init__.py; not to be edited.

from typing import Self

from .slave import AsyncSlave

class AsyncCalls:
    """The calls of a Client as coroutines. Tasks may share one: their calls queue in order."""

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
    ) -> AsyncSlave:
        """Return a umb.client.slave.Slave: this slave, with settings and counters of its own.

        pause_ms    how long no request is sent to this slave after each request and each reply,
                    through this client or its gateway
        broadcast   False: slave id 0 is a device; on a serial line it may answer with any slave id

        The others are those of the client; None: as the client has them set. Raises ValueError for
        a wrong argument.
        """

    async def connect(self) -> None:
        """Connect, unless there is a connection. Raises NoConnectionError.

        Calls do so by themselves; this is for programs that want to know, or to be early.
        """

    async def read_coils(
        self, slave_id: int, starting_address: int, quantity: int, into=None
    ) -> list:
        """FC 1 (AP 6.1): read 1..2000 bits. Returns a list of 0 and 1."""

    async def read_discrete_inputs(
        self, slave_id: int, starting_address: int, quantity: int, into=None
    ) -> list:
        """FC 2 (AP 6.2): read 1..2000 bits. Returns a list of 0 and 1."""

    async def read_holding_registers(
        self, slave_id: int, starting_address: int, quantity: int, into=None, *, signed=None
    ) -> list:
        """FC 3 (AP 6.3): read 1..125 registers. Returns a list of values."""

    async def read_input_registers(
        self, slave_id: int, starting_address: int, quantity: int, into=None, *, signed=None
    ) -> list:
        """FC 4 (AP 6.4): read 1..125 registers. Returns a list of values."""

    async def write_single_coil(self, slave_id: int, address: int, value: int) -> int:
        """FC 5 (AP 6.5): write 0 or 1. Returns it."""

    async def write_single_register(self, slave_id: int, address: int, value: int) -> int:
        """FC 6 (AP 6.6): write -32768..65535. Returns it."""

    async def write_multiple_coils(self, slave_id: int, starting_address: int, values) -> int:
        """FC 15 (AP 6.11): write a sequence of 1..1968 bits. Returns how many."""

    async def write_multiple_registers(self, slave_id: int, starting_address: int, values) -> int:
        """FC 16 (AP 6.12): write a sequence of 1..123 values -32768..65535. Returns how many."""

    async def mask_write_register(
        self, slave_id: int, address: int, and_mask: int, or_mask: int
    ) -> None:
        """FC 22 (AP 6.16): a register becomes (it AND and_mask) OR (or_mask AND NOT and_mask)."""

    async def read_write_multiple_registers(
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

    async def read_exception_status(self, slave_id: int) -> int:
        """FC 7 (AP 6.7): eight outputs that the device has chosen, as an int."""

    async def diagnostics(self, slave_id: int, sub_function: int, data=0):
        """FC 8 (AP 6.8): data is 0..65535, or bytes for sub-function 0. Returns the answer's data.

        Restarting (1) and forcing listen-only (4) may stay without one: NoReplyError.
        """

    async def get_comm_event_counter(self, slave_id: int) -> tuple:
        """FC 11 (AP 6.9): (status, event count)."""

    async def get_comm_event_log(self, slave_id: int) -> tuple:
        """FC 12 (AP 6.10): (status, event count, message count, events as bytes, newest first)."""

    async def report_server_id(self, slave_id: int) -> bytes:
        """FC 17 (AP 6.13): server id, run indicator (0xFF: on) and what the device adds."""

    async def read_file_record(self, slave_id: int, records) -> list:
        """FC 20 (AP 6.14): records are (file, record, length). Returns a list of values each."""

    async def write_file_record(self, slave_id: int, records) -> int:
        """FC 21 (AP 6.15): records are (file, record, values). Returns how many."""

    async def read_fifo_queue(self, slave_id: int, address: int) -> list:
        """FC 24 (AP 6.18): the values in the queue, 31 at most."""

    async def read_device_identification(
        self, slave_id: int, code: int = 1, object_id: int = 0
    ) -> dict:
        """FC 43/14 (AP 6.21): {object id: bytes}. code: 1 basic, 2 regular, 3 extended, 4 one.

        Asks again as long as the device says that more follows.
        """

    async def read_bytes(
        self, slave_id: int, function_code: int, starting_address: int, quantity: int
    ) -> bytes:
        """FC 1 to 4, for devices whose registers do not have two bytes each: returns the bytes.

        The response may have any byte count.
        """

    async def request(self, slave_id: int, pdu) -> bytes:
        """Send any request PDU of 1..253 bytes. Returns the response PDU.

        Of the response only the slave id and the function code are compared with the request.
        """

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, kind, error, trace) -> None: ...
