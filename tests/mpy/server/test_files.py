"""umb.functions.files: FC 20, 21 and 24 (AP 6.14, 6.15, 6.18)."""

from support.pdu import ask, expect, raw, request, words
from support.umb import Told, raises, values

from umb.errors import MemoryParityError
from umb.functions.files import Files, Queues
from umb.functions.identity import Identity
from umb.server import Server
from umb.store import Bits, Registers


def sub(file, record, length, *data, kind=6):
    """A sub-request."""
    return bytes((kind,)) + words(file, record, length, *data)


def read(*subs):
    data = b"".join(subs)
    return bytes((20, len(data))) + data


def write(*subs):
    data = b"".join(subs)
    return bytes((21, len(data))) + data


def served(files, **named):
    return Server(functions=(Files(files),), **named)


def numbered(start, quantity, **hooks):
    """A file whose records hold their numbers."""
    file = Registers(start, quantity, **hooks)
    for i in range(start, start + quantity):
        file[i] = i
    return file


def test_the_examples_of_the_specification():
    four = Registers(0, 20)
    three = Registers(0, 20)
    four[1], four[2] = 0x0DFE, 0x0020
    three[9], three[10] = 0x33CD, 0x0040
    server = served({4: four, 3: three})
    expect(
        server,
        "14 0e 06 0004 0001 0002 06 0003 0009 0002",
        "14 0c 05 06 0dfe 0020 05 06 33cd 0040",
    )
    pdu = "15 0d 06 0004 0007 0003 06af 04be 100d"
    expect(server, pdu, pdu)
    assert values(four)[7:10] == [0x06AF, 0x04BE, 0x100D]


def test_every_record():
    server = served({1: numbered(0, 10_000), 65535: numbered(5, 3)})
    for record in (0, 1, 5000, 9998):
        expect(server, read(sub(1, record, 2)), b"\x14\x06\x05\x06" + words(record, record + 1))
    expect(server, read(sub(1, 9999, 1)), b"\x14\x04\x03\x06" + words(9999))
    expect(server, read(sub(65535, 5, 3)), b"\x14\x08\x07\x06" + words(5, 6, 7))


def test_what_does_not_exist():
    server = served({1: numbered(0, 20_000), 2: numbered(5, 3)})
    for wrong in (
        sub(0, 0, 1),
        sub(3, 0, 1),
        sub(1, 0, 0),
        sub(1, 10_000, 1),  # there is one, but no request may name it
        sub(2, 4, 1),
        sub(2, 4, 2),
        sub(2, 5, 4),
        sub(2, 8, 1),
        sub(1, 0, 1, kind=5),
        sub(1, 0, 1, kind=7),
    ):
        expect(server, read(wrong), "9402")
        expect(server, read(sub(1, 0, 1), wrong), "9402")


def test_lengths_of_reads():
    server = served({1: numbered(0, 200)})
    for wrong in (
        b"\x14",
        b"\x14\x00",
        b"\x14\x07",
        b"\x14\x06" + sub(1, 0, 1)[:6],
        b"\x14\x08" + sub(1, 0, 1) + b"\0",
        b"\x14\x07" + sub(1, 0, 1) + b"\0",
        b"\x14\x0e" + sub(1, 0, 1),
    ):
        expect(server, wrong, "9403")
    most = read(*(sub(1, i, 1) for i in range(35)))
    assert len(ask(server, most)) == 2 + 4 * 35


def test_length_of_the_response():
    server = served({1: numbered(0, 200)})
    for subs in ([sub(1, 0, 121)], [sub(1, 0, 60), sub(1, 0, 60)], [sub(1, 0, 1)] * 35):
        response = ask(server, read(*subs))
        assert response[0] == 20 and len(response) == 2 + response[1] <= 247
    for subs in ([sub(1, 0, 122)], [sub(1, 0, 61), sub(1, 0, 61)], [sub(1, 0, 0xFFFF)]):
        expect(server, read(*subs), "9403")


def test_reading_and_writing_in_place():
    """The response is longer than the request, and begins before the request is read through."""
    file = numbered(0, 200)
    server = served({1: file})
    subs = [sub(1, 10 * i, 7) for i in range(15)]
    response = ask(server, read(*subs))
    at = 2
    for i in range(15):
        wanted = bytes((15, 6)) + words(*range(10 * i, 10 * i + 7))
        assert response[at : at + 16] == wanted, i
        at += 16
    assert at == len(response)


def test_writes():
    one, two = Registers(0, 200), Registers(100, 5)
    server = served({1: one, 2: two})
    pdu = write(sub(1, 3, 2, 7, 0xFFFF), sub(2, 104, 1, 9), sub(1, 0, 1, 5))
    expect(server, pdu, pdu)
    assert values(one)[:5] == [5, 0, 0, 7, 0xFFFF] and values(two) == [0, 0, 0, 0, 9]
    most = write(sub(1, 0, 122, *range(122)))
    assert len(most) == 253
    expect(server, most, most)
    assert values(one)[:122] == list(range(122))


def test_a_write_is_checked_whole():
    one = numbered(0, 10)
    server = served({1: one, 2: numbered(100, 5)})
    before = values(one)
    good = sub(1, 0, 1, 77)
    for pdu, response in (
        (b"\x15", "9503"),
        (b"\x15\x00", "9503"),
        (b"\x15\x07" + sub(1, 0, 0), "9503"),
        (write(sub(1, 0, 1)), "9503"),
        (write(sub(1, 0, 1, 7))[:-1], "9503"),
        (write(sub(1, 0, 1, 7)) + b"\0", "9503"),
        (write(sub(1, 0, 2, 7)), "9503"),
        (write(sub(1, 0, 1, 7, 8)), "9503"),
        (write(sub(1, 0, 0xFFFF, 7)), "9503"),
        (write(good, sub(1, 1, 1)), "9503"),
        (write(good, sub(1, 1, 1, 7)[:-1]), "9503"),
        (write(good, b"\x06"), "9503"),
        (write(good, sub(3, 0, 1, 7)), "9502"),
        (write(good, sub(2, 104, 2, 7, 8)), "9502"),
        (write(good, sub(2, 100, 1, 7, kind=1)), "9502"),
        (write(good, sub(1, 1, 0)), "9502"),
        (write(good, sub(1, 10_000, 1, 7)), "9502"),
    ):
        expect(server, pdu, response)
        assert values(one) == before, pdu


def test_hooks():
    read_hook, write_hook = Told(), Told()
    check = Told(True)
    file = numbered(0, 10, on_read=read_hook, on_write=write_hook, validate=check)
    server = served({1: file})
    ask(server, read(sub(1, 2, 3), sub(1, 0, 1)))
    assert read_hook.calls == [(2, 3), (0, 1)]
    ask(server, write(sub(1, 4, 2, 7, 8), sub(1, 9, 1, 9)))
    assert check.calls == [(4, 7), (5, 8), (9, 9)]
    assert write_hook.calls == [(4, 2), (9, 1)]


def test_validate_refuses_all():
    file = numbered(0, 10, validate=lambda _address, value: value < 100)
    server = served({1: file})
    expect(server, write(sub(1, 0, 1, 7), sub(1, 1, 1, 100)), "9503")
    assert values(file) == list(range(10))


def test_what_hooks_raise():
    told = Told()
    hook = Told(MemoryParityError())
    server = served({1: numbered(0, 10, on_read=hook), 2: Registers(0, 1)}, on_error=told)
    expect(server, read(sub(2, 0, 1), sub(1, 0, 1)), "9408")
    hook.result = KeyError()
    expect(server, read(sub(1, 0, 1)), "9404")
    assert len(told.calls) == 1


def test_files_that_cannot_be():
    for number in (0, -1, 65536, "1", 1.0, None):
        raises(ValueError, Files, {number: Registers(0, 1)})
    for file in (Bits(0, 100), 100, [1, 2], None, (Registers(0, 1),)):
        raises(ValueError, Files, {1: Registers(0, 1), 2: file})
    for files in (None, 5, "files", [Registers(0, 1)], Registers(0, 1)):
        raises(TypeError, Files, files)


def test_queues_that_cannot_be():
    for address in (-1, 65536, "1", 1.0, None):
        raises(ValueError, Queues, {address: [1]})
    for queue in (None, 5, 1.5):
        raises(ValueError, Queues, {1: [], 2: queue})
    for queues in (None, 5, [1, 2]):
        raises(TypeError, Queues, queues)


def test_hooks_come_before_anything_is_read():
    """A hook that reads another file's records finds them as they are answered."""
    one, two = numbered(0, 4), numbered(0, 4)
    two.on_read = lambda *_: one.__setitem__(0, 77)
    server = served({1: one, 2: two})
    expect(server, read(sub(1, 0, 1), sub(2, 1, 1)), "14 08 03 06 004d 03 06 0001")


def test_another_line_in_the_middle():
    """An interrupt that serves another line meanwhile: busy, rather than what that one asked."""

    class Late(Registers):
        """A file whose reading is interrupted once."""

        def get(self, address, quantity, buf, at):
            super().get(address, quantity, buf, at)
            if then:
                then.pop()()

    then = []
    server = served({1: Late(0, [1, 2, 3]), 2: numbered(0, 20)})
    got = []
    pdu = read(sub(1, 0, 2), sub(1, 2, 1))
    wanted = raw("14 0a 05 06 0001 0002 03 06 0003")
    expect(server, pdu, wanted)
    then.append(lambda: got.append(ask(server, read(sub(2, 7, 5), sub(2, 1, 5)))))
    expect(server, pdu, "94 06")
    assert len(got) == 1 and got[0][:6] == raw("14 18 0b 06 0007"), got
    expect(server, pdu, wanted)


def test_two_servers_do_not_share():
    one, two = served({1: numbered(0, 9)}), served({1: Registers(0, 9)})
    expect(one, read(sub(1, 1, 1)), "14 04 03 06 0001")
    expect(two, read(sub(1, 1, 1)), "14 04 03 06 0000")


def test_queues():
    queue = [0x01B8, 0x1284]
    server = Server(functions=(Queues({0x04DE: queue, 0: [], 65535: range(31), 7: (-1, -32768)}),))
    expect(server, "1804de", "18 0006 0002 01b8 1284")  # AP 6.18's example
    expect(server, "1804de", "18 0006 0002 01b8 1284")
    queue.append(0xFFFF)
    expect(server, "1804de", "18 0008 0003 01b8 1284 ffff")
    del queue[:]
    expect(server, "1804de", "18 0002 0000")
    expect(server, "180000", "18 0002 0000")
    expect(server, "180007", "18 0006 0002 ffff 8000")
    expect(server, "18ffff", request(24, 64, 31) + words(*range(31)))


def test_queues_that_cannot_be_read():
    told = Told()
    queues = {0: list(range(32)), 2: [1, 65536], 3: [-32769], 4: ["a"], 5: [1.5], 6: [None]}
    server = Server(functions=(Queues(queues),), on_error=told)
    expect(server, "180000", "9803")
    for address in (2, 3, 4, 5, 6):
        expect(server, request(24, address), "9804")
    assert len(told.calls) == 5
    expect(server, "180001", "9802")
    for wrong in ("18", "1800", "18000000"):
        expect(server, wrong, "9803")


def test_what_is_not_offered():
    for server in (Server(), Server(functions=(Identity({0: "", 1: "", 2: ""}),))):
        for pdu in (read(sub(1, 0, 1)), write(sub(1, 0, 1, 1)), raw("180000")):
            expect(server, pdu, bytes((pdu[0] | 0x80, 1)))
    expect(Server(functions=(Queues({}),)), read(sub(1, 0, 1)), "9401")
    expect(Server(functions=(Files({}),)), "180000", "9801")
