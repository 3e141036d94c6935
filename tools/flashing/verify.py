"""Asks a board who it is and what settings are in force, over a network or a serial adapter."""

import socket
import termios
import time
from typing import NamedTuple

import serial

from tools.emulator.wire import crc16, frame
from tools.env import Trouble
from tools.flashing.board import why_not

_IDENTITY = bytes((43, 14, 1, 0))  # the basic objects of FC 43/14, as a stream
_STATE = bytes((4, 0, 110, 0, 1))  # input register 110
_SETTINGS = bytes((3, 0, 100, 0, 5))  # holding registers 100 to 104
_PROBLEMS = 4  # the bit of register 110
_PARITIES = "NOE"  # as register 102 has them
_PARITY = {"N": serial.PARITY_NONE, "E": serial.PARITY_EVEN, "O": serial.PARITY_ODD}
_TRY_S = 1.5


class Answers(NamedTuple):
    """What a board has answered."""

    objects: dict  # {object id: text} of its identification
    state: list  # input register 110; empty: it has none
    settings: list  # holding registers 100 to 104; empty: it has none

    def problems(self, wanted):
        """Return sentences about what is not as the settings `wanted` of the board say."""
        found = []
        registers = (
            ("slave_id", wanted["slave_id"]),
            ("baudrate", wanted["baudrate"] // 100),
            ("parity", _PARITIES.index(wanted["parity"])),
            ("stop", wanted["stop"]),
            ("failsafe_s", wanted["failsafe_s"]),
        )
        if len(self.settings) != len(registers) or len(self.state) != 1:
            return ["its registers 100 to 104 and 110 cannot be read"]
        for number, ((key, value), there) in enumerate(
            zip(registers, self.settings, strict=True), 100
        ):
            if there != value:
                found.append(f"{key}: holding register {number} is {there}, not {value}")
        if self.state[0] & _PROBLEMS:
            found.append("input register 110 says that it has problems with settings or hardware")
        return found


def objects(pdu):
    """Return {object id: text} of a response PDU, None if it is no response to _IDENTITY."""
    if len(pdu) < 7 or pdu[:2] != _IDENTITY[:2]:
        return None
    found, at = {}, 7
    for _ in range(pdu[6]):
        if len(pdu) < at + 2 or len(pdu) < at + 2 + pdu[at + 1]:
            return None
        end = at + 2 + pdu[at + 1]
        found[pdu[at]] = pdu[at + 2 : end].decode(errors="replace")
        at = end
    return found


def registers(pdu):
    """Return the registers in a response PDU to function code 3 or 4, [] if it is none."""
    if len(pdu) < 2 or pdu[0] not in (3, 4) or len(pdu) != 2 + pdu[1]:
        return []
    return [int.from_bytes(pdu[at : at + 2], "big") for at in range(2, len(pdu), 2)]


def _interview(ask):
    """Return the Answers of a slave, None if it does not say who it is.

    ask   ask(pdu) returns the PDU that answers, b"" if there is none
    """
    found = objects(ask(_IDENTITY))
    if not found:
        return None
    return Answers(found, registers(ask(_STATE)), registers(ask(_SETTINGS)))


def over_network(host, port, slave_id, slow=1, timeout_s=20):
    """Return the Answers of the slave at this address. Raises Trouble.

    slow   the factor of all time-outs
    """
    deadline_s = time.monotonic() + timeout_s * slow
    error = "it says not who it is"
    while True:
        try:
            with socket.create_connection((host, port), _TRY_S * slow) as sock:
                found = _interview(lambda pdu, sock=sock: _ask_network(sock, slave_id, pdu))
                if found:
                    return found
        except OSError as raised:
            error = raised
        if time.monotonic() > deadline_s:
            raise Trouble(
                f"no answer from {host}:{port} ({error}): is this computer in that network?"
            )
        time.sleep(0.2)


def _ask_network(sock, slave_id, pdu):
    """Return the PDU that answers, b"" if the connection ends before. Raises OSError."""
    sock.sendall(bytes((0, 1, 0, 0, 0, 1 + len(pdu), slave_id)) + pdu)
    data = b""
    while len(data) < 6 or len(data) < 6 + int.from_bytes(data[4:6], "big"):
        more = sock.recv(512)
        if not more:
            break
        data += more
    return data[7:]


def over_line(port, settings, slow=1, timeout_s=20):
    """Return the Answers of the slave at the other end of this serial adapter. Raises Trouble.

    slow   the factor of all time-outs
    """
    deadline_s = time.monotonic() + timeout_s * slow
    with _open(port, settings) as line:

        def ask(pdu):
            request = frame(settings["slave_id"], pdu)
            while time.monotonic() < deadline_s:
                line.reset_input_buffer()
                line.write(request)
                reply = _receive(line, request, _TRY_S * slow)
                if reply:
                    return reply
            return b""

        found = _interview(ask)
        if found:
            return found
    raise Trouble(
        f"no answer on {port} within {timeout_s * slow} s: check the wiring in the board's README "
        "(A to A, B to B; TX to DI, RX to RO, the direction pin to DE and RE), and that nobody "
        "else talks on the line"
    )


def _open(port, settings):
    form = {"stopbits": settings["stop"], "timeout": 0.1}
    try:
        try:
            parity = _PARITY[settings["parity"]]
            return serial.serial_for_url(port, settings["baudrate"], parity=parity, **form)
        except termios.error:  # a pseudo-terminal, which has no parity
            return serial.serial_for_url(port, settings["baudrate"], **form)
    except (OSError, ValueError):
        raise why_not(port) from None


def _receive(line, request, timeout_s):
    """Return the PDU of the reply, b"" if there is none within timeout_s."""
    data = b""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        data += line.read(256)
        if data.startswith(request):
            data = data[len(request) :]  # the echo that some adapters return
        if len(data) > 4 and data[0] == request[0] and crc16(data) == 0:
            return data[1:-2]
    return b""
