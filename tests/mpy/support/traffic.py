"""What else is said on a line, and checks that the next request to us is answered all the same."""

import random

from support.pdu import raw, request
from support.rtu import OTHER, OURS, Bench, frame

ASK = request(3, 0, 2)
ANSWER = frame(OURS, b"\x03\x04\x00\x00\x00\x00")
# (request, reply) of AP 6 and of nobody's book
SPOKEN = (
    ("01 0013 0013", "01 03 cd6b05"),
    ("01 0000 07d0", "01 fa" + "a5" * 250),
    ("02 00c4 0016", "02 03 acdb35"),
    ("03 0000 000a", "03 14" + "0011" * 10),
    ("03 006b 007d", "03 fa" + "1103" * 125),
    ("04 0008 0001", "04 02 000a"),
    ("04 0000 003c", "04 78" + "11" * 120),
    ("05 00ac ff00", "05 00ac ff00"),
    ("06 0001 0003", "06 0001 0003"),
    ("07", "07 6d"),
    ("08 0000 a537", "08 0000 a537"),
    ("08 0000 a537 11030000 0001", "08 0000 a537 11030000 0001"),
    ("0b", "0b ffff 0108"),
    ("0c", "0c 08 0000 0108 0121 2000"),
    ("0f 0013 000a 02 cd01", "0f 0013 000a"),
    ("10 0001 0002 04 000a 0102", "10 0001 0002"),
    ("10 0001 007b f6" + "1106" * 123, "10 0001 007b"),
    ("11", "11 03 2a ff 01"),
    ("14 0e 06 0004 0001 0002 06 0003 0009 0002", "14 0c 05 06 0dfe 0020 05 06 33cd 0040"),
    ("15 0d 06 0004 0007 0003 06af 04be 100d", "15 0d 06 0004 0007 0003 06af 04be 100d"),
    ("16 0004 00f2 0025", "16 0004 00f2 0025"),
    ("17 0003 0006 000e 0003 06 00ff 00ff 00ff", "17 0c 00fe 0acd 0001 0003 000d 00ff"),
    ("18 04de", "18 0006 0002 01b8 1284"),
    ("2b 0e 01 00", "2b 0e 01 01 00 00 02 00 03 616263 01 02 6465"),
    ("41", "41"),
    ("41 11", "41 00 01 02 03 04"),
    ("41 0300 0001 11 03", "c1 01"),
    ("64 1106 0001 0001", "64" + "1103" * 60),
    ("00", "80 01"),
    ("6e 0000", "6e" + "55" * 200),
    ("03 ffff 0002", "83 02"),
    ("10 ffff 0001 02 0000", "90 02"),
)
# Requests to us that have got into other slaves' data, the check sum and all.
_INSIDE = frame(OURS, raw("06 0000 bad0"))


def exchanges():
    """Every (request frame, reply frame) between the client and another slave."""
    return [(frame(OTHER, raw(ask)), frame(OTHER, raw(reply))) for ask, reply in SPOKEN]


def exchanges_with_us_inside():
    """The same, where a whole request to us is part of the data."""
    found = []
    for function_code in (3, 4, 23):
        data = b"\x00\x01" + _INSIDE + b"\x00\x01"
        reply = bytes((function_code, len(data))) + data
        found.append((frame(OTHER, raw("03 0000 0006")), frame(OTHER, reply)))
    found.append(
        (frame(OTHER, raw("10 0000 0004 08") + _INSIDE), frame(OTHER, raw("10 0000 0004")))
    )
    found.append((frame(OTHER, raw("41") + _INSIDE), frame(OTHER, raw("41 07") + _INSIDE)))
    return found


def garbage():
    """(what it is, bytes) of what is no frame and no part of one for us at its end."""
    random.seed(3)
    ask = frame(OURS, raw("03 0000 0002"))
    write = frame(OURS, raw("10 0000 0010 20" + "1103" * 16))
    found = [
        ("FF", b"\xff"),
        ("00", b"\x00"),
        ("three 00", b"\x00" * 3),
        ("our id", b"\x11"),
        ("our id twice", b"\x11\x11"),
        ("our id, FC 3", b"\x11\x03"),
        ("our id, FC 16 that wants more", b"\x11\x10\x00\x00\x00\x7b\xf6"),
        ("our id, unknown code", b"\x11\x41\x00"),
        ("18, FC 3 that wants more", b"\x12\x03\xfa"),
        ("20 bytes", bytes(random.getrandbits(8) for _ in range(20))),
        ("60 bytes", bytes(random.getrandbits(8) for _ in range(60))),
        ("wrong CRC", ask[:-1] + b"\x00"),
        ("wrong CRC, 18", frame(OTHER, b"\x03\x04" + b"\x11" * 4)[:-1] + b"\x77"),
        ("wrong CRC, unknown code", frame(OURS, b"\x41\x01\x02")[:-2] + b"\x55\xaa"),
        ("wrong CRC, FC 16", write[:-1] + b"\x00"),
        ("one bit wrong", ask[:3] + bytes((ask[3] ^ 4,)) + ask[4:]),
    ]
    for n in (1, 3, 4, 5, 7):
        found.append(("%d of 8 bytes" % n, ask[:n]))
    for n in (8, 20, len(write) - 1):
        found.append(("%d of an FC 16" % n, write[:n]))
    return found


def serves(bench, every_us, what, after_us=None):
    """The next correct request has to be answered, once, and nothing else may be said."""
    bench.hear(frame(OURS, ASK), after_us)
    bench.run(25_000 + every_us, every_us)
    assert bench.replies() == [ANSWER], (what, every_us, after_us, bench.replies())
    bench.clear()


def legal_us(bench):
    """A silence as short as it may be between frames."""
    return bench.t35_us + bench.char_us // 2


def check_exchanges(baudrate, every_us, gap_us=None, make=Bench, **line):
    """The program polls so often, and there is so much silence between what is said."""
    bench = make(baudrate, line=line)
    said = exchanges()
    if gap_us is None:
        gap_us = legal_us(bench)
        said += exchanges_with_us_inside()
    for ask, reply in said:
        for pieces in ((ask, reply), (ask,), (reply,)):
            bench.hear(pieces[0], 30_000)
            for piece in pieces[1:]:
                bench.hear(piece, gap_us)
            serves(bench, every_us, pieces, gap_us)
        bench.hear(ask, 30_000)
        bench.run(30_000, every_us)
        serves(bench, every_us, ("absent", ask))
    assert bench.store.holding_registers[0] == 0


def check_garbage(baudrate, every_us, make=Bench, **line):
    bench = make(baudrate, line=line)
    for what, data in garbage():
        for after_us in (0, legal_us(bench), 10_000, 30_000):
            bench.hear(data, 30_000)
            serves(bench, every_us, what, after_us)
    counters = bench.rtu.counters
    assert counters.bus_communication_error_count > 0
    assert counters.server_message_count == len(garbage()) * 4


def check_echo(make=Bench, **line):
    """It hears what it sends, and takes none of that for a request."""
    line["echo"] = True
    for baudrate in (9600, 115200):
        bench = make(baudrate, line=line)
        for pdu in (ASK, request(6, 0, 0), request(5, 0, 0xFF00), request(3, 0, 125)):
            assert len(bench.ask(pdu)) == 1, (line, baudrate, pdu)
        for every_us in (1000, 5000):
            assert len(bench.ask(request(6, 9, 9), every_us=every_us)) == 1, (line, every_us)
        assert bench.rtu.counters.bus_message_count == 6, line


def falls_silent_when_others_speak(make):
    """Who speaks before our answer silences us. make(baudrate) returns a Bench."""
    for baudrate in (9600, 115200):
        for ask, reply in exchanges()[:20]:
            bench = make(baudrate)
            bench.hear(frame(OURS, ASK))
            bench.hear(ask, 2 * bench.char_us)
            bench.hear(reply)
            bench.run()
            assert bench.replies() == [], (baudrate, ask)
            serves(bench, 0, ask)
