"""The remote-I/O slave with a file of settings and the other side of its pins, for the tests."""

import contextlib
import json
import time

from pymodbus.client import ModbusTcpClient

from tests.support.service import MAIN, Service, free_port

PINS_ID = 99
# Pins of boards/unix/board.py: number of channel 0.
OUTPUT, INPUT, ANALOGUE, PWM, LED = 0, 8, 16, 20, 24
UPTIME, REQUESTS = 100, 102  # input registers
STATE, SILENCE, MEMORY, ADDRESS, RESET_CAUSE, VERSION = 110, 111, 112, 114, 116, 117
SERIAL_COUNTERS, NETWORK_COUNTERS = 130, 140
FAIL_SAFE, NETWORK_DOWN, FAULTS, UNSAVED = 1, 2, 4, 8  # bits of STATE
ORDER, SAVE_AND_RESTART, RESTART = 110, 0x5AFE, 0xB007


def wait_until(true, timeout_s=20):
    """Wait for a condition to hold; AssertionError if it never does."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


@contextlib.contextmanager
def devices(micropython, folder):
    """Give start(settings, *arguments), which returns a Device; in the end all have to stop well.

    settings None: there is no file of them
    """
    running = []

    def start(settings, *arguments):
        running.append(Device(micropython, folder, settings, *arguments))
        return running[-1]

    yield start
    for one in running:
        assert one.end() == 0


class Device:
    """The slave, and a client of it: calls return the values or the exception code, negative.

    The calls of `pins` are about the other side of the pins: coil n is the level of pin n,
    holding register n its analogue value or duty.
    """

    def __init__(self, micropython, folder, settings=None, *arguments):
        self.path = folder / "umb.json"
        self.slave_id = 1
        if isinstance(settings, dict):
            self.slave_id = settings.get("slave_id", 1)
            settings = json.dumps(settings)
        if settings is not None:
            self.path.write_text(settings)
        port = free_port()
        command = [micropython, MAIN, "--port", port, "--config", self.path]
        self.slave = Service([*command, "--pins-id", PINS_ID, *arguments])
        self.slave.wait_for("Ctrl-C")
        self.client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)
        assert self.client.connect()

    def saved(self):
        """What is in the file of settings, None for no object."""
        with contextlib.suppress(OSError, ValueError):
            return json.loads(self.path.read_text())
        return None

    def said(self, text):
        """The lines with this in them that the slave has printed."""
        return [line for line in self.slave.lines if text in line]

    def ask(self, call, *arguments, slave_id=None, **named):
        """Call pymodbus's client; values that were read, None after a write, or -code."""
        response = getattr(self.client, call)(
            *arguments, device_id=slave_id or self.slave_id, **named
        )
        if response.isError():
            return -response.exception_code
        if call.startswith("write"):
            return None
        if call.endswith("registers"):
            return response.registers
        return [int(bit) for bit in response.bits[: named["count"]]]

    def coils(self, address, count, **named):
        return self.ask("read_coils", address, count=count, **named)

    def inputs(self, address, count):
        return self.ask("read_discrete_inputs", address, count=count)

    def input_registers(self, address, count, **named):
        return self.ask("read_input_registers", address, count=count, **named)

    def holding(self, address, count, **named):
        return self.ask("read_holding_registers", address, count=count, **named)

    def input_register(self, address):
        return self.input_registers(address, 1)[0]

    def write(self, address, *values, **named):
        return self.ask("write_registers", address, list(values), **named)

    def switch(self, address, *levels, **named):
        return self.ask("write_coils", address, [bool(level) for level in levels], **named)

    def order(self, order):
        """Order a restart and wait until the slave is back."""
        before = len(self.said("Ctrl-C"))
        assert self.write(ORDER, order) is None
        wait_until(lambda: len(self.said("Ctrl-C")) > before)
        self.client.close()
        assert self.client.connect()

    def end(self):
        self.client.close()
        return self.slave.end()
