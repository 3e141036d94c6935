"""What is wrong with an argument, in a sentence. It is loaded when a program made a mistake."""

_BITS = "a number, a list, Bits or a tuple of Bits"
_REGISTERS = "a number, a list, Registers or a tuple of Registers"
# What arguments must be, by their names.
_NEEDED = {
    "coils": _BITS,
    "discrete_inputs": _BITS,
    "input_registers": _REGISTERS,
    "holding_registers": _REGISTERS,
    "store": "a Store or None",
    "server": "a Server or a Gateway, such as Server(store)",
    "uart": "a UART's number, a machine.UART or its like, such as umb.port.tty.TTY",
    "de": "a pin's number, a Pin or a function",
    "framer": "umb.frame.rtu.RTU or umb.frame.ascii.ASCII",
    "slave_ids": "a list of different numbers",
    "slave_id": "one that is served",
    "bits, parity, stop": "(8, None, 1), as this port's UART has nothing else",
}
PARAMETERS = (
    "umb calls hooks with (address, quantity), validate with (address, value), routes with"
    " slave_id=, function_code=, address=, and value= if it is a write, on_error with"
    " (exception, link)"
)


def describe(name, value, needed=None) -> str:
    """Return what the argument of this name must be, and that it is not."""
    return "%s must be %s, not %r" % (name, needed or _NEEDED[name], value)
