"""Modbus RTU as uModbus has it: functions that make a request's ADU, and send_message().

    message = read_coils(slave_id=1, starting_address=0, quantity=8)
    bits = send_message(message, client)

The functions raise IllegalDataValueError for a wrong quantity or value, ValueError for a slave id
or an address that cannot be.
"""

from micropython import const

from umb.client.rtu import RTUClient
from umb.errors import BadReplyError

from ... import functions
from .redundancy_check import add_crc, validate_crc

_SHORTEST = const(4)  # slave id, function code and CRC


def _create_request_adu(slave_id, pdu):
    """Return a request with its CRC."""
    if not (isinstance(slave_id, int) and 0 <= slave_id <= 255):
        raise ValueError("a slave id must be 0..255, not %r" % (slave_id,))
    return add_crc(bytes((slave_id,)) + pdu)


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


def _pdu_of(adu):
    """Return the PDU of an RTU frame. Raises CRCError where the CRC is wrong."""
    validate_crc(adu)
    if len(adu) < _SHORTEST:
        raise BadReplyError("%d bytes that are no RTU frame" % len(adu))
    return bytes(adu[1:-2])


def parse_response_adu(resp_adu, req_adu=None):
    """Return what a response says, see send_message().

    req_adu   the request, to which the response has to belong. Without it coils are returned by
              whole bytes

    Raises the ModbusError that an exception response stands for, BadReplyError for what is no
    response, or none to this request; CRCError is one.
    """
    pdu = _pdu_of(resp_adu)
    if req_adu is None:
        return functions.response_data(pdu)
    if resp_adu[0] != req_adu[0]:
        raise BadReplyError("slave %d answered, not %d" % (resp_adu[0], req_adu[0]))
    return functions.response_data(pdu, _pdu_of(req_adu))


def raise_for_exception_adu(resp_adu):
    """Raise the ModbusError that a response ADU stands for, if it is an exception response."""
    functions.pdu_to_function_code_or_raise_error(_pdu_of(resp_adu))


def send_message(adu, serial_port, **form):
    """Send a request on a serial line. Returns what the response says; None after a broadcast.

    serial_port   a umb.client.rtu.RTUClient, which knows the line's format, direction pin and
                  times: make it once. Or a machine.UART or umb.port.tty.TTY, from which an
                  RTUClient is made for this one message
    form          in that case the RTUClient's keywords, as in send_message(adu, uart,
                  baudrate=9600, parity=0, de=4): a UART's format cannot be read

    Function codes 1 to 4 give a list of values, 5 and 6 the value, 15 and 16 how many were
    written.

    Raises the ModbusError that the slave answers, BadReplyError for what is no answer to the
    request, NoReplyError for none at all, ValueError for an ADU that is none, TypeError for a UART
    without a baudrate.
    """
    try:
        request = _pdu_of(adu)
    except BadReplyError:
        raise ValueError("adu must be an RTU frame, not %r" % (adu,))
    client = serial_port
    if not hasattr(client, "request"):
        if "baudrate" not in form:
            raise TypeError("a UART does not tell its format: send_message(..., baudrate=9600)")
        client = RTUClient(serial_port, **form)
    answer = client.request(adu[0], request)
    return None if answer is None else functions.response_data(answer, request)
