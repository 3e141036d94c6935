"""What the specifications of Modbus demand, numbered; and what is not shown here, with the reason.

AP: Application Protocol V1.1b3; SL: over Serial Line V1.02; TCP: Messaging Implementation Guide
V1.0b; Security: MB-TCP-Security v36. "Policy": where they are silent, what umb has chosen.
"""

REQUIREMENTS = {
    # AP, what holds for every function code
    1: "a PDU of 253 bytes is taken, a longer one is not",
    2: "16-bit fields are big-endian",
    3: "addresses on the wire begin at 0",
    4: "address + quantity may reach 65536; beyond is exception 2, nothing wraps",
    5: "a response repeats the function code, an exception adds 0x80 and has one byte more",
    6: "function code 0 is exception 1",
    7: "a function code that is not offered is exception 1",
    8: "a function code from 0x80 on never gets what looks like a response",
    9: "checks in order: function code (1), quantity (3), address (2), the work itself (4, 5, 6)",
    10: "a request that is too short or too long is exception 3 (policy)",
    11: "a write that is refused changes nothing (policy)",
    12: "the work fails: 4; busy: 6; takes long: 5; parity of a file: 8; gateway: 10 and 11",
    13: "a client raises an exception with the code, whichever it is",
    # AP 6.1 and 6.2, FC 1 and 2
    14: "1 to 2000 bits, else exception 3",
    15: "the byte count is the quantity / 8, rounded up",
    16: "the first bit is the lowest of the first byte",
    17: "the rest of the last byte is 0",
    18: "a client ignores the rest of the last byte",
    19: "1, 7, 8, 9, 1999 and 2000 bits arrive as they are",
    # AP 6.3 and 6.4, FC 3 and 4
    20: "1 to 125 registers, else exception 3",
    21: "the byte count is twice the quantity",
    22: "125 registers fit into a response",
    # AP 6.5, FC 5
    23: "0xFF00 is on, 0 is off, all else is exception 3 and changes nothing",
    24: "the response repeats the request, after the coil was written",
    25: "a coil that does not exist is exception 2",
    # AP 6.6, FC 6
    26: "any value can be written, the response repeats the request",
    # AP 6.11, FC 15
    27: "1 to 1968 coils, else exception 3",
    28: "the byte count fits the quantity, else exception 3",
    29: "the rest of the last byte is ignored",
    30: "the response has address and quantity",
    # AP 6.12, FC 16
    31: "1 to 123 registers, else exception 3",
    32: "the byte count is twice the quantity, else exception 3",
    33: "the response has address and quantity",
    # AP 6.7, FC 7
    34: "one byte of eight outputs that the device chooses",
    # AP 6.8, FC 8
    35: "an unknown sub-function is exception 1, wrong data are exception 3",
    36: "00 sends back any data",
    37: "01 restarts, 0xFF00 clears the log too; alone heard in listen-only mode, then in silence",
    38: "02 tells the diagnostic register",
    39: "03 changes the delimiter of ASCII",
    40: "04 forces listen-only mode: nothing is done, nothing is answered",
    41: "0A clears the counters and the diagnostic register",
    42: "0B counts the messages on the line",
    43: "0C counts wrong CRC and LRC",
    44: "0D counts exception responses",
    45: "0E counts messages for this server, broadcasts too",
    46: "0F counts messages that got no response",
    47: "10 counts NAK",
    48: "11 counts busy",
    49: "12 counts character overruns",
    50: "14 clears the overrun counter",
    51: "0A to 14 with other data than 0 are exception 3",
    52: "counters have 16 bits and begin at 0; who is counted where",
    53: "other people's masters can read them all",
    # AP 6.9, FC 11; AP 6.10, FC 12
    54: "FC 11 counts what was completed: no exceptions, not itself; cleared by 8/01 and 8/0A",
    55: "FC 12: status, event count, message count, up to 64 events, the newest first",
    56: "events: received, sent, listen-only, restart, each with its bits",
    # AP 6.13, FC 17
    57: "server id and run indicator",
    # AP 6.14, FC 20
    58: "the byte count is a multiple of 7 from 7 to 245, else exception 3",
    59: "another reference type than 6 is exception 2",
    60: "files 1 to 65535, records 0 to 9999 that exist, else exception 2",
    61: "each record: length, type 6, data",
    62: "a response that would be too long is exception 3, before anything is read",
    63: "several records, of several files, in order",
    # AP 6.15, FC 21
    64: "9 to 251 bytes, else exception 3",
    65: "the lengths of the records add up exactly, else exception 3",
    66: "the response repeats the request",
    67: "all records are checked before the first is written (policy)",
    # AP 6.16, FC 22
    68: "(value AND and_mask) OR (or_mask AND NOT and_mask)",
    69: "and_mask 0 writes or_mask, or_mask 0 clears bits only",
    70: "the response repeats the request",
    71: "no other write comes in between",
    # AP 6.17, FC 23
    72: "reads 1 to 125, writes 1 to 121, and the byte count fits, else exception 3",
    73: "it writes before it reads",
    74: "both ranges are checked before anything is written",
    75: "the response is like that of FC 3",
    # AP 6.18, FC 24
    76: "byte count, count and values of the queue",
    77: "more than 31 values are exception 3",
    78: "reading leaves the queue as it is",
    79: "an empty queue is fine",
    # AP 6.21, FC 43
    80: "a MEI type that is not offered is exception 1",
    81: "device id codes 1 to 4, else exception 3",
    82: "objects 0 to 2 are there always, then 3 to 6, then 0x80 to 0xFF",
    83: "a stream begins at the object that is asked for, or at 0 where there is none",
    84: "a single object that does not exist is exception 2",
    85: "a single object: nothing follows, one object",
    86: "the conformity level is what the device has",
    87: "who asks for more than the level gets what there is",
    88: "what does not fit follows in the next response; no object is split",
    89: "in the last one nothing follows",
    90: "code 2 gives the objects 0 to 6",
    91: "a response has 253 bytes at most, an object 244",
    92: "a client asks on, but not for ever",
    # SL
    93: "slave ids 1 to 247; others cannot be configured; 0 is a broadcast",
    94: "silence for every other slave id",
    95: "a broadcast is executed in silence; a broadcast read is ignored",
    96: "a client waits after a broadcast, and expects no reply",
    97: "a client sends the next request only after the reply or its time-out",
    98: "the reply of another slave is ignored, and the clock runs on",
    99: "a reply with a wrong CRC or LRC is never believed",
    100: "CRC-16: 0xA001, from 0xFFFF, low byte first",
    101: "a request with a wrong CRC or LRC: silence, counted",
    102: "characters of 11 bits: 8E1 (the default), 8N2, 8O1",
    103: "9600 and 19200 baud, 19200 is the default",
    104: "t3.5 of silence ends a frame, and comes before a reply",
    105: "a frame with a gap of t1.5 in it is dropped",
    106: "t3.5 is 3.5 characters up to 19200 baud",
    107: "t3.5 is 1750 us above",
    108: "a server that starts in the middle of a frame waits for silence",
    109: "more than 256 bytes are nothing until silence",
    110: "after noise and cut frames the next one is served",
    111: "other slaves' traffic is never answered, and does not stop ours",
    112: "what looks like a request inside another slave's reply is none",
    113: "the direction pin is at transmit while a reply leaves, and at receive otherwise",
    114: "no reply begins before t3.5",
    115: "a client with a local echo compares it",
    # SL, ASCII
    116: "':', digits in upper case (lower case is taken), LRC, CR, LF",
    117: "LRC: two's complement of the sum of all bytes",
    118: "':' begins a frame wherever it comes",
    119: "characters may be up to 1 s apart; what comes later is dropped",
    120: "a frame has 513 characters at most",
    121: "7E1, 7O1, 7N2: characters of 10 bits",
    122: "odd digits, or what is no digit: silence",
    123: "another delimiter (8/03) is kept",
    # TCP
    124: "port 502, or another",
    125: "the transaction id is repeated",
    126: "protocol id 0 in replies; requests with another are dropped",
    127: "the length is that of the reply",
    128: "the unit id is repeated",
    129: "unit ids 0 and 255 are the device itself",
    130: "a length below 2 or above 254 closes the connection",
    131: "frames may come in any pieces",
    132: "requests may follow each other before the replies come",
    133: "a client believes only replies with its transaction, protocol, unit and function code",
    134: "a late reply is dropped, and the next call is right",
    135: "a connection stays open",
    136: "a full table: an idle client makes room, or the newcomer is refused (policy)",
    137: "a peer that has vanished gives its place back",
    138: "TCP_NODELAY; a frame leaves in one piece",
    139: "several clients at once see whole values",
    140: "more requests at once than can be kept: exception 6",
    141: "gateway: 10 without a path, 11 without an answer, all else passed on",
    142: "100 000 random frames: no leak, no crash, no stuck connection",
    # Security
    143: "port 802, the same frames inside TLS",
    144: "TLS 1.2 or later only",
    145: "a client without a trusted certificate is refused",
    146: "a client checks the server's certificate",
    147: "one role in the certificate, or none",
    148: "what a role may not do is exception 1",
    149: "who may do what is configured in the device",
    150: "the role comes from the session's own certificate",
    151: "no NULL ciphers, no compression, safe renegotiation only",
}

NOT_TESTED = dict.fromkeys(range(143, 152), "not offered: umb has no Modbus/TCP Security yet")

# What umb does otherwise, and why; the tests show what it does instead.
OTHERWISE = {
    105: "adapters and loaded hosts tear frames. A gap shorter than `gap_ms` is bridged if the CRC"
    " is right then; a longer one drops the frame",
}

# What the tests of this suite leave open, and who shows it.
REMARKS = {
    49: "but no `machine.UART` tells of overruns: a program may count them, umb does not",
    53: "by pymodbus",
    82: "that an identity without them is refused: `tests/mpy/server/test_identity.py`",
    93: "ids that cannot be configured are a `ValueError`; a client asks reserved ids, 248 to 255,"
    " too",
    102: "but a constructor that is not told means 8N1, as `machine.UART` does; the applications"
    " begin with 8E1. Each format: `tests/mpy/bus/test_rtu_server.py`",
    103: "but a constructor has to be told; the applications begin with 19200",
    104: "to the microsecond: `tests/mpy/bus/test_rtu_timing.py`, `tests/pico/test_turnaround.py`",
    106: "on the wire: `tests/mpy/bus/test_rtu_timing.py`, `tests/pico/test_turnaround.py`",
    107: "on the wire: `tests/mpy/bus/test_rtu_timing.py`, `tests/pico/test_turnaround.py`",
    113: "to the microsecond, and after failures and wrap-arounds:"
    " `tests/mpy/bus/test_rtu_timing.py`, `tests/pico/test_direction.py`",
    114: "more can be had with `turnaround_us`",
    124: "but a constructor has to be told; the applications begin with 502",
    136: "who makes room for whom: `tests/mpy/server/test_tcp_places.py`",
    137: "by a time-out; keep-alive is not every port's",
    138: "TCP_NODELAY cannot be seen from outside: `umb/port/sockets.py` sets it",
    140: "a server takes the requests of a connection one by one",
}
