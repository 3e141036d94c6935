"""Calls of a client: (method, arguments), the value that has to come back, and their drawing."""

from fuzz import slaves
from fuzz.model import wide
from fuzz.slaves import tags

READS = (1, 2, 3, 4)
_NAMES = {
    1: "read_coils",
    2: "read_discrete_inputs",
    3: "read_holding_registers",
    4: "read_input_registers",
    5: "write_single_coil",
    6: "write_single_register",
    7: "read_exception_status",
    8: "diagnostics",
    11: "get_comm_event_counter",
    12: "get_comm_event_log",
    15: "write_multiple_coils",
    16: "write_multiple_registers",
    17: "report_server_id",
    20: "read_file_record",
    21: "write_file_record",
    22: "mask_write_register",
    23: "read_write_multiple_registers",
    24: "read_fifo_queue",
    43: "read_device_identification",
    65: "request",
}
COMMON = (1, 2, 3, 3, 3, 4, 5, 6, 6, 15, 16, 16, 22, 23, 65)  # each tells whose question it was
RARE = (7, 8, 11, 12, 17, 20, 21, 24, 43)


def draw(rng, slave_id, number, codes=COMMON + RARE):
    """A call: (code, slave id, arguments). `number` makes it unlike any other."""
    code = rng.choice(codes)
    address = (number * 37 + rng.below(37)) & 0x7FFF
    some = rng.choice((1, 1, 2, 2, 3, 10, 61, 120))
    if code in (1, 2):
        arguments = (address, 16 + rng.choice((0, 1, 7, 200, 1900)))
    elif code in (3, 4):
        arguments = (address, some)
    elif code == 5:
        arguments = (address, rng.below(2))
    elif code == 6:
        arguments = (address, rng.below(65536))
    elif code == 15:
        arguments = (address, [rng.below(2) for _ in range(rng.choice((1, 8, 9, 10, 16, 300)))])
    elif code == 16:
        arguments = (address, [rng.below(65536) for _ in range(some)])
    elif code == 22:
        arguments = (address, rng.below(65536), rng.below(65536))
    elif code == 23:
        arguments = (address, some, address ^ 1, [rng.below(65536) for _ in range(some)])
    else:
        arguments = _rare(rng, code, address)
    return code, slave_id, arguments


def request(call):
    """The request PDU of a call, written from AP 6."""
    code, _, arguments = call
    head = bytes((code,))
    if code in (1, 2, 3, 4, 22):
        return head + b"".join([wide(value) for value in arguments])
    if code in (5, 6):
        return head + wide(arguments[0]) + wide(arguments[1] * (0xFF00 if code == 5 else 1))
    if code == 15:
        data = slaves.packed(arguments[1])
        return head + wide(arguments[0]) + wide(len(arguments[1])) + bytes((len(data),)) + data
    if code in (16, 23):
        values = arguments[-1]
        fields = arguments[:-1] + (len(values),)
        data = slaves.words(values)
        return head + b"".join([wide(v) for v in fields]) + bytes((len(data),)) + data
    if code == 8:
        return head + wide(arguments[0]) + wide(arguments[1])
    if code == 24:
        return head + wide(arguments[0])
    if code in (20, 21):
        data = b""
        for file, record, what in arguments[0]:
            n = what if code == 20 else len(what)
            data += b"\x06" + wide(file) + wide(record) + wide(n)
            data += b"" if code == 20 else slaves.words(what)
        return head + bytes((len(data),)) + data
    if code == 43:
        return b"\x2b\x0e\x01\0"
    return head if code != 65 else arguments[0]


def alike(call, number):
    """The same call but for its address: its answer looks like the one to that call."""
    code, slave_id, arguments = call
    if code in COMMON and code != 65:
        return code, slave_id, ((number * 37 + 5) & 0x7FFF,) + tuple(arguments[1:])
    if code == 65:
        number = number * 37 + 5 & 0x7FFF
        pdu = b"A" + bytes((number >> 8, number & 0xFF)) + arguments[0][3:]
        return code, slave_id, (pdu,)
    return None


def _rare(rng, code, address):
    if code == 8:
        return 0, address
    if code == 20:
        return ([(1 + address, rng.below(900), rng.between(1, 20)) for _ in range(2)],)
    if code == 21:
        return ([(1 + address, rng.below(900), [rng.below(65536)] * rng.between(1, 20))],)
    if code == 24:
        return (address,)
    if code == 65:
        number = bytes((address >> 8, address & 0xFF))
        return (b"A" + number + rng.data(rng.choice((0, 1, 2, 30))),)
    return ()


def broadcast(rng, number):
    """A call that writes to all."""
    return draw(rng, 0, number, (5, 6, 15, 16, 22))


def method(client, code):
    """The method that makes calls of this code."""
    return getattr(client, _NAMES[code])


def result(call, network=False):
    """What a call returns when its slave answers; on a line nobody answers for slave id 0."""
    code, slave_id, arguments = call
    if slave_id == 0 and not network:
        return None
    if code in (1, 2):
        return slaves.bits(slave_id, code, *arguments)
    if code in (3, 4, 23):
        return tags(slave_id, code, *arguments[:2])
    if code in (5, 6, 8):
        return arguments[1]
    if code in (15, 16):
        return len(arguments[1])
    if code == 22:
        return None
    return _rare_result(code, slave_id, arguments)


def _rare_result(code, slave_id, arguments):
    data = slaves.text(slave_id, code, {7: 1, 11: 4, 12: 9, 17: 6}.get(code, 0))
    if code == 7:
        return data[0]
    if code == 11:
        return data[0] << 8 | data[1], data[2] << 8 | data[3]
    if code == 12:
        words = tuple([data[i] << 8 | data[i + 1] for i in (0, 2, 4)])
        return words + (data[6:],)
    if code == 17:
        return data
    if code == 20:
        return [tags(slave_id, file, record, n) for file, record, n in arguments[0]]
    if code == 21:
        return len(arguments[0])
    if code == 24:
        return tags(slave_id, 24, arguments[0], arguments[0] % 32)
    if code == 43:
        return {i: slaves.text(slave_id, 43 + i, 4 + i) for i in range(slaves.OBJECTS)}
    return slaves.answer(slave_id, arguments[0])
