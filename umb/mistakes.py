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
    "idle": "a PioIdle or None",
    "framer": "umb.frame.rtu.RTU or umb.frame.ascii.ASCII",
    "functions": "a tuple, such as (Diagnostics(),)",
    "function": "an object with handle(), and with codes 1..127 that nobody else has",
    "code": "user-defined, 65..72 or 100..110",
    "handler": "a function",
    "objects": "{object id: text or bytes}, with 0 vendor, 1 product and 2 revision",
    "object_id": "0..6 or 0x80..0xFF",
    "object": "text or bytes, 244 bytes at most",
    "server_id": "text or bytes",
    "additional": "text or bytes, with server_id 250 bytes at most",
    "slave_ids": "a list of numbers, such as (1,)",
    "slave_id": "one that is served",
    "slave_id of a read": "1..255, as nobody answers a broadcast; see client.slave(0,"
    " broadcast=False) for a device that has slave id 0",
    "networks": "True or False",
    "slave_id to add": "one that is not served yet",
    "parity": "0 for even, 1 for odd, or None",
    "timer": "a machine.Timer or None",
    "bits, parity, stop": "(8, None, 1), as this port's UART has nothing else",
}
UART_TAKEN = "UART %d was given to another driver since"
PARAMETERS = (
    "umb calls on_read and on_write with (address, quantity), validate with (address, value),"
    " routes with slave_id=, function_code=, address=, and value= if it is a write, functions with"
    " (adu, n, link), allow with (host), on_connect and on_disconnect with ((host, port)),"
    " on_error with (exception, link), permit with (slave_id, function_code, address, quantity,"
    " link)"
)


def error(name, value, text=None):
    """Return the ValueError that says what the argument of this name must be, and what it is."""
    return ValueError("%s must be %s, not %r" % (name, text or _NEEDED[name], value))
