"""Reads the identification of a slave (FC 43/14), over a network or a serial adapter."""

import socket
import termios
import time

import serial

from tools.emulator.wire import crc16, frame
from tools.env import Trouble
from tools.flashing.board import why_not

_REQUEST = bytes((43, 14, 1, 0))  # the basic objects, as a stream
_PARITY = {"N": serial.PARITY_NONE, "E": serial.PARITY_EVEN, "O": serial.PARITY_ODD}
_TRY_S = 1.5


def objects(pdu):
    """Return {object id: text} of a response PDU, None if it is no response to _REQUEST."""
    if len(pdu) < 7 or pdu[:2] != _REQUEST[:2]:
        return None
    found, at = {}, 7
    for _ in range(pdu[6]):
        if len(pdu) < at + 2 or len(pdu) < at + 2 + pdu[at + 1]:
            return None
        end = at + 2 + pdu[at + 1]
        found[pdu[at]] = pdu[at + 2 : end].decode(errors="replace")
        at = end
    return found


def over_network(host, port, slave_id, slow=1, timeout_s=20):
    """Return the objects of the slave at this address. Raises Trouble.

    slow   the factor of all time-outs
    """
    request = bytes((0, 1, 0, 0, 0, 1 + len(_REQUEST), slave_id)) + _REQUEST
    deadline_s = time.monotonic() + timeout_s * slow
    while True:
        try:
            with socket.create_connection((host, port), _TRY_S * slow) as sock:
                sock.sendall(request)
                found = objects(_receive_adu(sock)[7:])
                if found:
                    return found
        except OSError as error:
            if time.monotonic() > deadline_s:
                raise Trouble(
                    f"no answer from {host}:{port} ({error}): is this computer in that network?"
                ) from None
        time.sleep(0.2)


def _receive_adu(sock):
    """Return a whole response of Modbus TCP, or less if the connection ends before."""
    data = b""
    while len(data) < 6 or len(data) < 6 + int.from_bytes(data[4:6], "big"):
        more = sock.recv(512)
        if not more:
            break
        data += more
    return data


def over_line(port, settings, slow=1, timeout_s=20):
    """Return the objects of the slave at the other end of this serial adapter. Raises Trouble.

    slow   the factor of all time-outs
    """
    request = frame(settings["slave_id"], _REQUEST)
    deadline_s = time.monotonic() + timeout_s * slow
    with _open(port, settings) as line:
        while time.monotonic() < deadline_s:
            line.reset_input_buffer()
            line.write(request)
            found = _receive(line, request, _TRY_S * slow)
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
    """Return the objects in the reply, None if there is none within timeout_s."""
    data = b""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        data += line.read(256)
        if data.startswith(request):
            data = data[len(request) :]  # the echo that some adapters return
        if len(data) > 5 and data[0] == request[0] and crc16(data) == 0:
            return objects(data[1:-2])
    return None
