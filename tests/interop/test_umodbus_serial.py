"""uModbus's serial client, and umb's server by uModbus's names."""

import os
from pathlib import Path

import pytest
import serial
import umodbus
from umodbus.client.serial import rtu
from umodbus.exceptions import IllegalDataAddressError, IllegalFunctionError

from tests.support.service import Service
from tools.env import ROOT

_PROGRAM = Path(__file__).with_name("umodbus_rtu_server.py")


@pytest.fixture
def service(micropython, pty_pair):
    """The server, ready; it has to live until the end."""
    env = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
    running = Service([micropython, _PROGRAM, pty_pair.server_path], env=env)
    running.wait_for("ready")
    yield running
    assert running.end() == 0, running.lines


@pytest.fixture
def send(service, pty_pair):  # noqa: ARG001 - it is there
    """send(call): have uModbus make a request and understand the response."""
    umodbus.conf.SIGNED_VALUES = True
    with serial.Serial(pty_pair.client_path, 19200, timeout=5) as port:
        yield lambda call: rtu.send_message(eval(f"rtu.{call}"), port)
    umodbus.conf.SIGNED_VALUES = False


def test_every_function(send):
    assert send("write_multiple_coils(1, 1, [1, 0, 1, 1])") == 4
    assert send("read_coils(1, 0, 6)") == [0, 1, 0, 1, 1, 0]
    assert send("read_discrete_inputs(1, 3, 2)") == [1, 1]
    assert send("write_single_coil(1, 0, 1)") == 1
    assert send("write_multiple_registers(1, 5, [-1, -32768, 32767])") == 3
    assert send("write_single_register(1, 8, -1337)") == -1337
    assert send("read_holding_registers(1, 5, 4)") == [-1, -32768, 32767, -1337]
    assert send("read_input_registers(1, 8, 1)") == [-1337]


def test_exceptions(send):
    with pytest.raises(IllegalDataAddressError):
        send("read_holding_registers(1, 9, 2)")
    with pytest.raises(IllegalFunctionError):
        send("_create_request_adu(1, b'\\x41')")
    assert send("read_coils(1, 0, 1)") == [0]


def test_the_log(send, service):
    assert send("read_coils(1, 0, 1)") == [0]
    service.wait_for("DEBUG:uModbus:--> 010101005188")
    assert "DEBUG:uModbus:<-- 010100000001fdca" in service.lines
