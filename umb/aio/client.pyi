# Written by `python3 tools/dev.py stubs` from umb/client/__init__.py; not to be edited.

from typing import Self

class AsyncCalls:
    """The calls of a Client as coroutines. Tasks may share one: their calls queue in order."""

    async def read_coils(self, slave_id, starting_address, quantity, into=None):
        """FC 1: a list of 1..2000 bits."""

    async def read_discrete_inputs(self, slave_id, starting_address, quantity, into=None):
        """FC 2: a list of 1..2000 bits."""

    async def read_holding_registers(
        self, slave_id, starting_address, quantity, into=None, *, signed=None
    ):
        """FC 3: a list of 1..125 values."""

    async def read_input_registers(
        self, slave_id, starting_address, quantity, into=None, *, signed=None
    ):
        """FC 4: a list of 1..125 values."""

    async def write_single_coil(self, slave_id, address, value):
        """FC 5: write 0 or 1. Returns it."""

    async def write_single_register(self, slave_id, address, value, *, signed=None):
        """FC 6: write -32768..65535. Returns it."""

    async def write_multiple_coils(self, slave_id, starting_address, values):
        """FC 15: write 1..1968 bits. Returns how many."""

    async def write_multiple_registers(self, slave_id, starting_address, values, *, signed=None):
        """FC 16: write 1..123 values of -32768..65535. Returns how many."""

    async def mask_write_register(self, slave_id, address, and_mask, or_mask):
        """FC 22: the register becomes (it AND and_mask) OR (or_mask AND NOT and_mask)."""

    async def read_write_multiple_registers(
        self, slave_id, read_address, quantity, write_address, values, into=None, *, signed=None
    ):
        """FC 23: write 1..121 values, then read 1..125. Returns what was read."""

    async def read_exception_status(self, slave_id):
        """FC 7: eight outputs that the device has chosen, as an int."""

    async def diagnostics(self, slave_id, sub_function, data=0):
        """FC 8: data is 0..65535, or bytes for sub-function 0. Returns the data of the answer.

        Restarting (1) and forcing listen-only (4) may stay without one: NoReplyError.
        """

    async def get_comm_event_counter(self, slave_id):
        """FC 11: (status, event count)."""

    async def get_comm_event_log(self, slave_id):
        """FC 12: (status, event count, message count, events as bytes, the newest first)."""

    async def report_server_id(self, slave_id):
        """FC 17: server id, run indicator (0xFF: on) and what the device adds, as bytes."""

    async def read_file_record(self, slave_id, records):
        """FC 20: records are (file, record, length). Returns a list of values for each."""

    async def write_file_record(self, slave_id, records):
        """FC 21: records are (file, record, values). Returns how many."""

    async def read_fifo_queue(self, slave_id, address):
        """FC 24: the values in the queue, 31 at most."""

    async def read_device_identification(self, slave_id, code=1, object_id=0):
        """FC 43/14: {object id: bytes}. code 1 basic, 2 regular, 3 extended, 4 one object.

        Asks again as long as the device says that more follows.
        """

    async def request(self, slave_id, pdu):
        """Send any request PDU of 1..253 bytes. Returns the response PDU as bytes."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, kind, error, trace) -> None: ...
