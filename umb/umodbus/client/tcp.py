"""Modbus TCP as uModbus has it: functions that make a request's ADU, and send_message().

    message = read_coils(slave_id=1, starting_address=0, quantity=8)
    bits = send_message(message, sock)

The functions raise IllegalDataValueError for a wrong quantity or value, ValueError for a slave id
or an address that cannot be.
"""

from errno import EAGAIN, ETIMEDOUT

from micropython import const

from umb.errors import BadReplyError, NoConnectionError, NoReplyError

from .. import functions
from ..utils import pack_mbap, recv_exactly, unpack_mbap

_HEADER = const(7)  # bytes of the MBAP header (TCP Guide 3.1.3)
_LENGTH_MOST = const(254)  # what its length field may say: unit id and PDU
_MOST_STALE = const(16)  # how many replies to earlier requests send_message() passes over

_last = [0]  # the transaction id that was used last


def _create_request_adu(slave_id, pdu):
    """Return a request with a transaction id of its own."""
    if not (isinstance(slave_id, int) and 0 <= slave_id <= 255):
        raise ValueError("a slave id must be 0..255, not %r" % (slave_id,))
    _last[0] = transaction_id = _last[0] + 1 & 0xFFFF
    return pack_mbap(transaction_id, 0, len(pdu) + 1, slave_id) + pdu


def read_coils(slave_id: int, starting_address: int, quantity: int) -> bytes:
    """Return the ADU of FC 1: read 1..2000 coils."""
    return _create_request_adu(slave_id, functions.read_request(1, starting_address, quantity))


def read_discrete_inputs(slave_id: int, starting_address: int, quantity: int) -> bytes:
    """Return the ADU of FC 2: read 1..2000 discrete inputs."""
    return _create_request_adu(slave_id, functions.read_request(2, starting_address, quantity))


def read_holding_registers(slave_id: int, starting_address: int, quantity: int) -> bytes:
    """Return the ADU of FC 3: read 1..125 holding registers."""
    return _create_request_adu(slave_id, functions.read_request(3, starting_address, quantity))


def read_input_registers(slave_id: int, starting_address: int, quantity: int) -> bytes:
    """Return the ADU of FC 4: read 1..125 input registers."""
    return _create_request_adu(slave_id, functions.read_request(4, starting_address, quantity))


def write_single_coil(slave_id: int, address: int, value: int) -> bytes:
    """Return the ADU of FC 5: write 0 or 1 (or 0xFF00) to a coil."""
    return _create_request_adu(slave_id, functions.write_single_request(5, address, value))


def write_single_register(slave_id: int, address: int, value: int) -> bytes:
    """Return the ADU of FC 6: write 0..65535, or -32768..32767 with conf.SIGNED_VALUES."""
    return _create_request_adu(slave_id, functions.write_single_request(6, address, value))


def write_multiple_coils(slave_id: int, starting_address: int, values) -> bytes:
    """Return the ADU of FC 15: write 1..1968 coils."""
    pdu = functions.write_multiple_request(15, starting_address, values)
    return _create_request_adu(slave_id, pdu)


def write_multiple_registers(slave_id: int, starting_address: int, values) -> bytes:
    """Return the ADU of FC 16: write 1..123 registers."""
    pdu = functions.write_multiple_request(16, starting_address, values)
    return _create_request_adu(slave_id, pdu)


def _check_frame(adu):
    """Raise BadReplyError if this is not one whole Modbus TCP frame."""
    if len(adu) > _HEADER:
        _, protocol_id, length, _ = unpack_mbap(adu[:_HEADER])
        if protocol_id == 0 and length == len(adu) - _HEADER + 1 <= _LENGTH_MOST:
            return
    raise BadReplyError("%d bytes that are no Modbus TCP frame" % len(adu))


def parse_response_adu(resp_adu, req_adu=None):
    """Return what a response says, see send_message().

    req_adu   the request, to which the response has to belong. Without it coils are returned by
              whole bytes

    Raises the ModbusError that an exception response stands for, BadReplyError for what is no
    response, or none to this request.
    """
    _check_frame(resp_adu)
    if req_adu is None:
        return functions.response_data(resp_adu[_HEADER:])
    if resp_adu[:2] != req_adu[:2] or resp_adu[6] != req_adu[6]:
        raise BadReplyError("the response belongs to another request")
    return functions.response_data(resp_adu[_HEADER:], req_adu[_HEADER:])


def raise_for_exception_adu(resp_adu):
    """Raise the ModbusError that a response ADU stands for, if it is an exception response."""
    _check_frame(resp_adu)
    functions.pdu_to_function_code_or_raise_error(resp_adu[_HEADER:])


def send_message(adu, sock):
    """Send a request over a connected socket. Returns what the response says.

    sock   a socket of this port, blocking or with a time-out; or a stream like it, such as one of
           the module ssl

    Function codes 1 to 4 give a list of values, 5 and 6 the value, 15 and 16 how many were
    written. Replies to earlier requests are passed over, 16 at most.

    Raises the ModbusError that the server answers, BadReplyError for what is no answer to the
    request, NoReplyError when the socket's time-out ends, NoConnectionError when the connection
    does. After the last three close the socket: the received part of the answer is lost.
    """
    try:
        sock.write(adu)
        for _ in range(_MOST_STALE + 1):
            answer = _receive(sock)
            if answer[:2] == adu[:2] and answer[6] == adu[6]:
                return parse_response_adu(answer, adu)
    except OSError as error:
        who = "slave %d, FC %d: " % (adu[6], adu[7])
        if error.errno in (EAGAIN, ETIMEDOUT):
            raise NoReplyError(who + "no answer within the socket's time-out")
        raise NoConnectionError(who + str(error))
    raise BadReplyError("%d answers, and none to this request" % (_MOST_STALE + 1))


def _receive(sock):
    """Return the next frame that comes, whole."""
    header = recv_exactly(sock.read, _HEADER)
    _, protocol_id, length, _ = unpack_mbap(header)
    if protocol_id or not 2 <= length <= _LENGTH_MOST:
        raise BadReplyError("what came is no Modbus TCP frame")
    return header + recv_exactly(sock.read, length - 1)
