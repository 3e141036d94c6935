"""Every call of a client as text: what it sends, what is answered, what it returns.

MicroPython and the PC's Python both read this: plain data, no imports. PDUs are hexadecimal; most
are the examples of the specification (AP 6).
"""


def words(values):
    """16-bit values in hexadecimal."""
    return "".join("%04x" % (value & 0xFFFF) for value in values)


_COUNT = list(range(65413, 65536))  # 123 values
_BITS = [1, 0, 0, 1, 1, 1, 0, 1] * 246

# The call, its request, the response, and what is returned.
CALLS = (
    (
        "read_coils(1, 19, 19)",
        "0100130013",
        "0103cd6b05",
        [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1],
    ),
    ("read_coils(247, 65535, 1)", "01ffff0001", "0101ff", [1]),
    ("read_coils(1, 0, 3)", "0100000003", "010105", [1, 0, 1]),
    ("read_coils(1, 0, 2000)", "01000007d0", "01fa" + "b9" * 250, (_BITS + _BITS)[:2000]),
    (
        "read_discrete_inputs(1, 196, 22)",
        "0200c40016",
        "0203acdb35",
        [0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1],
    ),
    ("read_discrete_inputs(1, 63536, 2000)", "02f83007d0", "02fa" + "00" * 250, [0] * 2000),
    ("read_holding_registers(1, 107, 3)", "03006b0003", "0306022b00000064", [555, 0, 100]),
    (
        "read_holding_registers(1, 65411, 125)",
        "03ff83007d",
        "03fa" + words(range(65411, 65536)),
        list(range(65411, 65536)),
    ),
    ("read_input_registers(1, 8, 1)", "0400080001", "0402000a", [10]),
    (
        "read_input_registers(slave_id=1, starting_address=8, quantity=1)",
        "0400080001",
        "0402ffff",
        [65535],
    ),
    ("write_single_coil(1, 172, 1)", "0500acff00", "0500acff00", 1),
    ("write_single_coil(1, 172, True)", "0500acff00", "0500acff00", 1),
    ("write_single_coil(slave_id=1, address=65535, value=0)", "05ffff0000", "05ffff0000", 0),
    ("write_single_register(1, 1, 3)", "0600010003", "0600010003", 3),
    ("write_single_register(1, 1, 65535)", "060001ffff", "060001ffff", 65535),
    ("write_single_register(1, 1, 40000)", "0600019c40", "0600019c40", 40000),
    ("write_single_register(slave_id=1, address=65535, value=-1)", "06ffffffff", "06ffffffff", -1),
    ("write_single_register(1, 1, -32768)", "0600018000", "0600018000", -32768),
    (
        "write_multiple_coils(1, 19, [1, 0, 1, 1, 0, 0, 1, 1, 1, 0])",
        "0f0013000a02cd01",
        "0f0013000a",
        10,
    ),
    ("write_multiple_coils(1, 0, (True,))", "0f000000010101", "0f00000001", 1),
    (
        "write_multiple_coils(1, 0, [1, 0, 0, 1, 1, 1, 0, 1] * 246)",
        "0f000007b0f6" + "b9" * 246,
        "0f000007b0",
        1968,
    ),
    (
        "write_multiple_coils(slave_id=1, starting_address=1, values=[1, 0, 1, 1])",
        "0f00010004010d",
        "0f00010004",
        4,
    ),
    ("write_multiple_registers(1, 1, [10, 258])", "100001000204000a0102", "1000010002", 2),
    (
        "write_multiple_registers(slave_id=1, starting_address=1, values=(-1, -32768))",
        "100001000204ffff8000",
        "1000010002",
        2,
    ),
    (
        "write_multiple_registers(1, 0, list(range(65413, 65536)))",
        "100000007bf6" + words(_COUNT),
        "100000007b",
        123,
    ),
    ("mask_write_register(1, 4, 0xf2, 0x25)", "16000400f20025", "16000400f20025", None),
    (
        "mask_write_register(slave_id=1, address=65535, and_mask=65535, or_mask=-32768)",
        "16ffffffff8000",
        "16ffffffff8000",
        None,
    ),
    (
        "read_write_multiple_registers(1, 3, 6, 14, [255, 255, 255])",
        "1700030006000e00030600ff00ff00ff",
        "170c00fe0acd00010003000d00ff",
        [254, 2765, 1, 3, 13, 255],
    ),
    (
        "read_write_multiple_registers(slave_id=1, read_address=65411, quantity=125, "
        "write_address=65415, values=list(range(65413, 65534)))",
        "17ff83007dff870079f2" + words(_COUNT[:121]),
        "17fa" + words(range(125)),
        list(range(125)),
    ),
    ("request(1, b'\\x03\\x00k\\x00\\x01')", "03006b0001", "0302022b", b"\x03\x02\x02+"),
    ("request(1, b'A')", "41", "41aa55", b"A\xaaU"),
    ("request(slave_id=1, pdu=b'A' * 253)", "41" * 253, "41" * 253, b"A" * 253),
)

# Reads with into=: the call, request, response, what is returned, and then in `values`.
INTO = (
    ("read_coils(1, 0, 3, into=values)", "0100000003", "010105", 3, [1, 0, 1, 9, 9]),
    ("read_discrete_inputs(1, 0, 5, values)", "0200000005", "02011f", 5, [1] * 5),
    (
        "read_holding_registers(1, 107, 3, values)",
        "03006b0003",
        "0306022b00000064",
        3,
        [555, 0, 100, 9, 9],
    ),
    ("read_input_registers(1, 8, 1, into=values)", "0400080001", "0402000a", 1, [10, 9, 9, 9, 9]),
    (
        "read_write_multiple_registers(1, 3, 2, 14, [255], values)",
        "1700030002000e00010200ff",
        "170400fe0acd",
        2,
        [254, 2765, 9, 9, 9],
    ),
)

# Calls that every client must refuse with ValueError before it sends a byte.
BAD_CALLS = (
    "read_coils(1, 0, 0)",
    "read_coils(1, 0, -1)",
    "read_coils(1, 0, 2001)",
    "read_coils(1, 63537, 2000)",
    "read_coils(1, -1, 1)",
    "read_coils(-1, 0, 1)",
    "read_coils(256, 0, 1)",
    "read_coils(1, 0, 3, into=[0, 0])",
    "read_discrete_inputs(1, 0, 0)",
    "read_discrete_inputs(1, 0, 2001)",
    "read_discrete_inputs(1, 65536, 1)",
    "read_holding_registers(1, 0, 0)",
    "read_holding_registers(1, 0, 126)",
    "read_holding_registers(1, 65535, 2)",
    "read_holding_registers(1, 70000, 1)",
    "read_holding_registers(257, 0, 1)",
    "read_holding_registers(1, 0, 2, into=[0])",
    "read_input_registers(1, 0, 0)",
    "read_input_registers(1, 0, 126)",
    "read_input_registers(1, 65412, 125)",
    "write_single_coil(1, 0, 2)",
    "write_single_coil(1, 0, -1)",
    "write_single_coil(1, 0, 0xff00)",
    "write_single_coil(1, 0, None)",
    "write_single_coil(1, 65536, 1)",
    "write_single_coil(1, -1, 1)",
    "write_single_register(1, 0, 65536)",
    "write_single_register(1, 0, 70000)",
    "write_single_register(1, 0, -32769)",
    "write_single_register(1, 70000, 0)",
    "write_single_register(300, 0, 0)",
    "write_multiple_coils(1, 0, [])",
    "write_multiple_coils(1, 0, [0] * 1969)",
    "write_multiple_coils(1, 0, [0, 2])",
    "write_multiple_coils(1, 65535, [0, 1])",
    "write_multiple_registers(1, 0, [])",
    "write_multiple_registers(1, 0, [0] * 124)",
    "write_multiple_registers(1, 0, [0] * 127)",
    "write_multiple_registers(1, 0, [0, 65536])",
    "write_multiple_registers(1, 0, [-32769, 0])",
    "write_multiple_registers(1, 65535, [0, 1])",
    "mask_write_register(1, 0, 65536, 0)",
    "mask_write_register(1, 0, 0, 65536)",
    "mask_write_register(1, 0, -32769, 0)",
    "mask_write_register(1, 65536, 0, 0)",
    "read_write_multiple_registers(1, 0, 0, 0, [1])",
    "read_write_multiple_registers(1, 0, 126, 0, [1])",
    "read_write_multiple_registers(1, 0, 1, 0, [])",
    "read_write_multiple_registers(1, 0, 1, 0, [1] * 122)",
    "read_write_multiple_registers(1, 0, 1, 0, [65536])",
    "read_write_multiple_registers(1, 65535, 2, 0, [1])",
    "read_write_multiple_registers(1, 0, 1, 65535, [1, 1])",
    "read_write_multiple_registers(1, 0, 1, -1, [1])",
    "read_write_multiple_registers(1, 0, 2, 0, [1], into=[0])",
    "request(1, b'')",
    "request(1, b'A' * 254)",
    "request(256, b'A')",
)
# On a serial line these as well: broadcasts of reads.
BAD_SERIAL_CALLS = (
    "read_coils(0, 0, 1)",
    "read_holding_registers(0, 0, 1)",
    "read_discrete_inputs(0, 0, 1)",
    "read_input_registers(0, 0, 1)",
    "read_write_multiple_registers(0, 0, 1, 0, [1])",
)
# Writes to everybody (SL 2.1), and what they send.
BROADCASTS = (
    ("write_single_coil(0, 1, 1)", "050001ff00"),
    ("write_single_register(0, 1, 2)", "0600010002"),
    ("write_multiple_coils(0, 1, [1])", "0f000100010101"),
    ("write_multiple_registers(0, 1, [3])", "1000010001020003"),
    ("mask_write_register(0, 4, 0xf2, 0x25)", "16000400f20025"),
)
# What is no integer at all is refused in one way or another.
ODD_CALLS = (
    "read_coils(1, 0, 1.5)",
    "read_coils(1, '0', 1)",
    "read_coils('1', 0, 1)",
    "write_single_register(1, 0, 2.5)",
    "write_single_register(1, 0, '2')",
    "write_single_register(1, 0, None)",
    "mask_write_register(1, 0, 0, None)",
    "mask_write_register(1, 0, None, 0)",
    "read_write_multiple_registers(1, 0, 1, 0, None)",
    "write_multiple_registers(1, 0, [1, 2.5])",
    "write_multiple_registers(1, 0, [1, None])",
    "write_multiple_registers(1, 0, 1)",
    "write_multiple_coils(1, 0, [1, '0'])",
    "request(1, None)",
)

# Responses that are none, for a call that asks for 2 holding registers from 10 on or writes them.
_READ = "read_holding_registers(1, 10, 2)"
_COILS = "read_coils(1, 10, 10)"
_READ_WRITE = "read_write_multiple_registers(1, 10, 2, 0, [7])"
BAD_RESPONSES = (
    ("other function code", _READ, "040400460047"),
    ("coils for registers", _READ, "010400460047"),
    ("function code and nothing else", _READ, "03"),
    ("function code 0", _READ, "000400460047"),
    ("byte count too small", _READ, "030200460047"),
    ("byte count too large", _READ, "030600460047"),
    ("one register", _READ, "03020046"),
    ("three registers", _READ, "0306004600470048"),
    ("no registers", _READ, "0300"),
    ("odd length", _READ, "0303004600"),
    ("a byte too many", _READ, "03040046004700"),
    ("a byte too few", _READ, "0304004600"),
    ("exception to another function code", _READ, "8402"),
    ("exception without a code", _READ, "83"),
    ("exception with code 0", _READ, "8300"),
    ("exception that is too long", _READ, "830200"),
    ("the request itself", _READ, "03000a0002"),
    ("too few coils", _COILS, "0101ff"),
    ("too many coils", _COILS, "0103ffffff"),
    ("registers for coils", _COILS, "030200ff"),
    ("another coil", "write_single_coil(1, 10, 1)", "05000bff00"),
    ("the other value", "write_single_coil(1, 10, 1)", "05000a0000"),
    ("value 1 for on", "write_single_coil(1, 10, 1)", "05000a0001"),
    ("short echo", "write_single_coil(1, 10, 1)", "05000aff"),
    ("long echo", "write_single_coil(1, 10, 1)", "05000aff0000"),
    ("another register", "write_single_register(1, 10, 2)", "06010a0002"),
    ("another value", "write_single_register(1, 10, 2)", "06000a0003"),
    ("only the function code", "write_single_register(1, 10, 2)", "06"),
    ("other coils", "write_multiple_coils(1, 10, [1, 1])", "0f000b0002"),
    ("fewer coils", "write_multiple_coils(1, 10, [1, 1])", "0f000a0001"),
    ("the whole request", "write_multiple_coils(1, 10, [1, 1])", "0f000a00020103"),
    ("other registers", "write_multiple_registers(1, 10, [7])", "1000090001"),
    ("more registers", "write_multiple_registers(1, 10, [7])", "10000a0002"),
    ("another AND mask", "mask_write_register(1, 10, 1, 2)", "16000a00030002"),
    ("another OR mask", "mask_write_register(1, 10, 1, 2)", "16000a00010003"),
    ("no OR mask", "mask_write_register(1, 10, 1, 2)", "16000a0001"),
    ("another loopback", "diagnostics(1, 0, 7)", "0800000008"),
    ("a loopback of bytes", "diagnostics(1, 0, b'abcd')", "080000616263"),
    ("a long loopback", "diagnostics(1, 0, b'abcdef')", "080000616263646567"),
    ("too few registers read", _READ_WRITE, "17020046"),
    ("an FC 3 response to FC 23", _READ_WRITE, "030400460047"),
    ("an FC 16 response to FC 23", _READ_WRITE, "1000000001"),
    ("something else", "request(1, b'A')", "4201"),
    ("an exception of something else", "request(1, b'A')", "c201"),
    ("an exception without a code", "request(1, b'A')", "c1"),
)

# Exception codes (AP 7) and the classes that they are.
EXCEPTIONS = (
    (1, "IllegalFunctionError"),
    (2, "IllegalDataAddressError"),
    (3, "IllegalDataValueError"),
    (4, "ServerDeviceFailureError"),
    (5, "AcknowledgeError"),
    (6, "ServerDeviceBusyError"),
    (7, "ModbusError"),
    (8, "MemoryParityError"),
    (9, "ModbusError"),
    (10, "GatewayPathUnavailableError"),
    (11, "GatewayTargetDeviceFailedToRespondError"),
    (12, "ModbusError"),
    (255, "ModbusError"),
)
