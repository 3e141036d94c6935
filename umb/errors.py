"""What can go wrong on the wire: one class per exception code (AP 7), and what a client sees.

    ModbusError
      IllegalFunctionError, ... one per exception code of the peer
      NoReplyError   BadReplyError   NoConnectionError                   no answer, or not one

A wrong argument is a ValueError instead: it is found before anything is sent.
"""


class ModbusError(Exception):
    """Any failure of an exchange. Its text is a sentence.

    error_code      the exception code that the peer sent, or None
    slave_id        the slave id of the request, or None
    function_code   the function code of the request, or None
    reply           of a BadReplyError: the PDU of the slave that was asked, of the right function
                    code, which is none of the replies that its request allows: a write is done
                    then. None: there was none such
    """

    error_code: "int | None" = None
    slave_id: "int | None" = None
    function_code: "int | None" = None
    reply: "bytes | None" = None


class IllegalFunctionError(ModbusError):
    """1: the server does not offer this function code."""

    error_code = 1


class IllegalDataAddressError(ModbusError):
    """2: an address of the request does not exist."""

    error_code = 2


class IllegalDataValueError(ModbusError):
    """3: a quantity, a length or a value is not allowed."""

    error_code = 3


class ServerDeviceFailureError(ModbusError):
    """4: the server failed while it did the work."""

    error_code = 4


class AcknowledgeError(ModbusError):
    """5: accepted, but it takes long; ask again later."""

    error_code = 5


class ServerDeviceBusyError(ModbusError):
    """6: the server is busy with a long command."""

    error_code = 6


class MemoryParityError(ModbusError):
    """8: the server's file memory failed its parity check."""

    error_code = 8


class GatewayPathUnavailableError(ModbusError):
    """10: the gateway has no path to that slave id."""

    error_code = 10


class GatewayTargetDeviceFailedToRespondError(ModbusError):
    """11: nobody answered behind the gateway."""

    error_code = 11


class NoReplyError(ModbusError):
    """Nothing was received within the time-out."""


class BadReplyError(ModbusError):
    """What was received does not answer the request: CRC, function code, length or contents."""


class NoConnectionError(ModbusError):
    """The peer cannot be reached, or it closed the connection."""


error_code_to_exception_map = {
    c.error_code: c
    for c in (
        IllegalFunctionError,
        IllegalDataAddressError,
        IllegalDataValueError,
        ServerDeviceFailureError,
        AcknowledgeError,
        ServerDeviceBusyError,
        MemoryParityError,
        GatewayPathUnavailableError,
        GatewayTargetDeviceFailedToRespondError,
    )
}


# How the text begins where no slave, but what is before it has answered: a gateway, or a server
# that has no such slave id.
_NOT_REACHED = {
    10: "nothing leads to slave %d, for %s: ",
    11: "nobody has answered for slave %d, %s: ",
}


def exception_for(error_code, slave_id=0, asked=""):
    """Return the exception that stands for a peer's exception code.

    slave_id   who was asked,
    asked      and for what, as "FC 6 at 100": its text says so, and the reason; "": the reason
    """
    kind = error_code_to_exception_map.get(error_code, ModbusError)
    text = "exception %d" % error_code
    if kind is not ModbusError:
        words = ""
        for letter in kind.__name__[: -len("Error")]:
            words += " " + letter.lower() if letter.isupper() else letter
        text = "%s (%s)" % (words[1:], text)
    if asked:
        whom = _NOT_REACHED.get(error_code, "slave %d refused %s: ")
        text = whom % (slave_id, asked) + text
    error = kind(text)
    error.error_code = error_code
    return error
