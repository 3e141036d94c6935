"""One request of every kind, each for the first time: first_requests.py TRANSPORT HOW

TRANSPORT is RTU, ASCII, TCP, or GATEWAY: TCP, through a gateway to a serial line. HOW is
    full      the heap is filled to its last byte before the first request comes
    locked    the heap is locked while a request is served
    counted   what the heap holds is counted before and after each request

It prints a line for every request that was not served as it should be, and then how many were
right. Nothing of umb is warmed up: to import or to allocate anything now is a fault.
"""

import gc
import sys
from time import ticks_diff, ticks_ms

import micropython
from support.ascii import text
from support.pdu import packed, raw, read_write, request, words, write_bits, write_registers
from support.tcp import Bench, frame
from support.wire import Wire

from umb.client.rtu import RTUClient
from umb.errors import ServerDeviceBusyError
from umb.fast import crc16
from umb.frame import WRITES
from umb.frame.ascii import ASCII
from umb.frame.rtu import RTU
from umb.functions.diagnostics import Diagnostics
from umb.functions.files import Files, Queues
from umb.functions.identity import Identity, ServerId
from umb.gateway import Gateway
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Bits, Registers, Store

_DEVICE, _ROUTED, _OTHER, _LOCAL = 17, 3, 99, 100  # slave ids
_SILENCE_MS = 12  # so long may nothing come before that counts as silence
_ANSWER_MS = 5000  # and so long may an answer take, on a machine that is busy
_BUSY = ServerDeviceBusyError()  # made beforehand: to raise a new one is the program's allocation
_BUG = KeyError()


def nothing(_address, _quantity):
    """Be a hook."""


def positive(_address, value):
    """Be a hook that checks values."""
    return value < 60_000


def busy(_address, _quantity):
    """Be a hook that refuses."""
    raise _BUSY


def buggy(_address, _quantity):
    """Be a hook with a bug."""
    raise _BUG


def on_error(_error, _link):
    """Tell nobody."""


def echo(_adu, n, _link):
    """Be a function whose response is the request."""
    return n


def make_server():
    """Return a server with everything that there is: devices 17 and 3."""
    coils = (Bits(0, 1003, on_read=nothing, on_write=nothing), Bits(1003, 997))
    inputs = Bits(0, 2000, on_read=nothing)
    for i in range(0, 2000, 3):
        inputs[i] = 1
    holding = (
        Registers(0, 100, on_read=nothing, on_write=nothing, validate=positive),
        Registers(100, 150),
        Registers(300, 1, on_read=busy, on_write=buggy),
    )
    measured = Registers(0, list(range(200)), on_read=nothing)
    files = {4: Registers(0, 200, validate=positive, on_read=nothing), 3: Registers(0, 200)}
    names = {0: "V", 1: "C", 2: "R", 0x80: b"x" * 200, 0x81: b"y" * 244}
    server = Server(
        Store(coils, inputs, measured, holding),
        (_DEVICE,),
        functions=(
            Diagnostics(networks=True),
            Files(files),
            Queues({5: list(range(31)), 6: []}),
            Identity(names),
            ServerId("umb", b"more", networks=True),
        ),
        on_error=on_error,
    )
    server.function(100, echo)

    @server.route([_ROUTED], [1, 2, 3, 4], range(10))
    def read(slave_id, function_code, address):
        return address & 1 if slave_id == _ROUTED and function_code < 5 else None

    @server.route([_ROUTED], [5, 6, 15, 16], [0, 1, 2, 3, 7, 8])
    def write(slave_id, function_code, address, value):
        pass

    return server


class Requests:
    """The requests and their responses, in the order in which they are to be sent.

    rows   (what, slave id, PDU, response PDU or None for silence, whether a hook raises) each
    """

    def __init__(self, transport):
        self.rows = []
        self._serial = transport != "TCP"
        self._first()
        self._reads()
        self._writes()
        self._functions()
        self._diagnostics(transport)
        self._others()
        self._routes()
        self._listen_only()

    def add(self, pdu, response, what="", slave_id=_DEVICE, raises=False):
        """Add a request; PDUs are bytes or hexadecimal digits."""
        pdu = raw(pdu) if isinstance(pdu, str) else pdu
        response = raw(response) if isinstance(response, str) else response
        self.rows.append(("FC %d %s" % (pdu[0], what), slave_id, pdu, response, raises))

    def _first(self):
        self.add("0c", "0c 07 0000 0000 0001 80")
        self.add("0b", "0b 0000 0001")

    def _reads(self):
        inputs = [int(i % 3 == 0) for i in range(2000)]
        self.add(request(1, 0, 2000), b"\x01\xfa" + bytes(250), "of all coils")
        self.add(request(2, 0, 2000), b"\x02\xfa" + packed(inputs), "of all inputs")
        self.add(request(2, 5, 13), b"\x02\x02" + packed(inputs[5:18]))
        self.add(request(3, 0, 125), b"\x03\xfa" + bytes(250), "across blocks")
        self.add(request(3, 120, 10), b"\x03\x14" + bytes(20))
        self.add(request(4, 75, 125), b"\x04\xfa" + words(*range(75, 200)))
        for code in (1, 2, 3, 4):
            self.add(request(code, 0, 0), bytes((code | 0x80, 3)), "without quantity")
            self.add(request(code, 9000, 1), bytes((code | 0x80, 2)), "of nothing")
            self.add(request(code, 0), bytes((code | 0x80, 3)), "too short")

    def _writes(self):
        for pdu in (
            request(5, 3, 0xFF00),
            request(6, 3, 7),
            write_bits(1000, [1] * 9),
            write_bits(1200, [1] * 13),
            write_bits(0, [0] * 1968),
            write_registers(98, [1, 2, 3, 4]),
            write_registers(120, range(123)),
        ):
            self.add(pdu, pdu[:5])
        self.add(request(22, 100, 0, 9), request(22, 100, 0, 9))
        self.add(request(22, 3, 0, 9), request(22, 3, 0, 9), "with a check")
        self.add(read_write(3, 1, 4, [7]), "17 02 0009")
        self.add(read_write(0, 125, 98, range(121)), b"\x17\xfa" + self._after_writing())
        for pdu in (
            request(5, 3, 1),
            request(6, 3, 0xFFFF),
            write_registers(3, [1, 0xFFFF]),
            write_bits(0, [1])[:-1],
            request(22, 3, 0, 0xFFFF),
            read_write(0, 1, 3, [0xFFFF]),
        ):
            self.add(pdu, bytes((pdu[0] | 0x80, 3)), "with a wrong value")
        for pdu in (
            request(5, 9000, 0),
            request(6, 9000, 0),
            write_bits(9000, [1]),
            write_registers(9000, [1]),
            request(22, 9000, 0, 0),
            read_write(0, 1, 9000, [1]),
            read_write(9000, 1, 0, [1]),
        ):
            self.add(pdu, bytes((pdu[0] | 0x80, 2)), "to nowhere")
        self.add(request(3, 300, 1), "83 06", "of who is busy", raises=True)
        self.add(request(6, 300, 1), "86 04", "to who has a bug", raises=True)

    @staticmethod
    def _after_writing():
        """What registers 0 to 124 hold when FC 23 has written its 121 values."""
        return words(0, 0, 0, 9, 7) + bytes(2 * 93) + words(*range(27))

    def _functions(self):
        self.add("11", b"\x11\x08umb\xffmore")
        self.add("11 00", "91 03", "too long")
        self.add("14 07 06 0004 0001 0002", "14 06 05 06 0000 0000")
        self.add(
            "14 0e 06 0004 0001 0046 06 0003 0001 0030",
            b"\x14\xf0\x8d\x06" + bytes(140) + b"\x61\x06" + bytes(96),
        )
        self.add("14 07 06 0009 0001 0002", "94 02", "of no file")
        self.add("14 06 06 0009 0001 00", "94 03", "too short")
        pdu = raw("15 12 06 0004 0000 0001 1234 06 0003 0000 0001 1234")
        self.add(pdu, pdu)
        self.add("15 09 06 0004 0000 0001 ffff", "95 03", "with a wrong value")
        self.add("15 09 06 0009 0000 0001 ffff", "95 02", "to no file")
        self.add("18 0005", request(24, 64, 31) + words(*range(31)))
        self.add("18 0006", "18 0002 0000", "of nothing")
        self.add("18 0007", "98 02", "of no queue")
        self.add("2b 0e 01 00", "2b 0e 01 83 00 00 03 00 01 56 01 01 43 02 01 52")
        self.add(
            "2b 0e 03 00",
            raw("2b 0e 03 83 ff 81 04 00 01 56 01 01 43 02 01 52 80 c8") + b"x" * 200,
        )
        self.add("2b 0e 04 81", raw("2b 0e 04 83 00 00 01 81 f4") + b"y" * 244)
        self.add("2b 0e 04 07", "ab 02", "of no object")
        self.add("2b 0d 01 00", "ab 01", "with another MEI type")
        self.add("64 00 01 02", "64 00 01 02")

    def _diagnostics(self, transport):
        self.add("07", "07 00")
        self.add("08 0000 a537 0102", "08 0000 a537 0102")
        self.add("08 0002 0000", "08 0002 0000")
        self.add("08 000a 0000", "08 000a 0000")
        for sub_function, count in ((11, 1), (12, 0), (13, 0), (14, 4)):
            self.add(request(8, sub_function, 0), request(8, sub_function, count))
        for sub_function in (15, 16, 17, 18, 20):
            self.add(request(8, sub_function, 0), request(8, sub_function, 0))
        self.add("08 0005 0000", "88 01", "with an unknown sub-function")
        self.add("08 000b 0001", "88 03", "with wrong data")
        self.add("08", "88 03", "too short")
        self.add("08 0003 0a00", "08 0003 0a00" if transport == "ASCII" else "88 01")
        self.add("08 0001 0000", "08 0001 0000")
        self.add("08 0001 ff00", "08 0001 ff00")
        self.add("0c", "0c 08 0000 0000 0001 80 00")

    def _others(self):
        for code in (0, 9, 10, 13, 14, 18, 19, 25, 42, 44, 65, 101, 127):
            self.add(bytes((code, 0, 1)), bytes((code | 0x80, 1)), "unknown")
            self.add(bytes((code,)), bytes((code | 0x80, 1)), "unknown")
        for code in (0x80, 0x83, 0xFF):
            self.add(bytes((code, 2)), None if self._serial else bytes((code, 1)))
        for pdu in (request(3, 0, 1), request(6, 0, 1), write_registers(0, [1]), b"\x41\x01"):
            refusal = bytes((pdu[0] | 0x80, 11))
            self.add(pdu, None if self._serial else refusal, "to another", slave_id=_OTHER)
        for pdu in (
            request(5, 9, 0xFF00),
            request(6, 9, 7),
            write_bits(1000, [1] * 9),
            write_registers(98, [1, 2, 3, 4]),
            request(22, 9, 0, 5),
        ):
            response = pdu if pdu[0] == 22 else pdu[:5]
            self.add(pdu, None if self._serial else response, "to all", slave_id=0)
        self.add(request(1, 9, 1), "01 01 01", "after a broadcast")
        self.add(request(3, 9, 1), "03 02 0005", "after a broadcast")
        for pdu, response in (
            (request(3, 9, 1), "03 02 0005"),
            (request(6, 9000, 1), "86 02"),
            (b"\x41", "c1 01"),
        ):
            self.add(pdu, None if self._serial else response, "to all", slave_id=0)

    def _routes(self):
        for pdu, response in (
            (request(1, 0, 10), b"\x01\x02\xaa\x02"),
            (request(2, 1, 1), b"\x02\x01\x01"),
            (request(3, 0, 3), b"\x03\x06" + words(0, 1, 0)),
            (request(4, 9, 1), b"\x04\x02" + words(1)),
            (request(3, 9, 2), b"\x83\x02"),
            (request(3, 10, 1), b"\x83\x02"),
            (request(3, 0, 0), b"\x83\x03"),
            (request(5, 7, 0xFF00), request(5, 7, 0xFF00)),
            (request(6, 7, 0x8000), request(6, 7, 0x8000)),
            (write_bits(0, [1, 0, 1]), request(15, 0, 3)),
            (write_registers(0, [1, 2, 3]), request(16, 0, 3)),
            (write_registers(3, [1, 2]), b"\x90\x02"),
            (request(22, 0, 0, 0), b"\x96\x01"),
            (read_write(0, 1, 0, [1]), b"\x97\x01"),
        ):
            self.add(pdu, response, "to routes", slave_id=_ROUTED)

    def _listen_only(self):
        self.add("08 0004 0000", None, "to listen only")
        for pdu in (request(3, 0, 1), request(6, 0, 1), b"\x41", raw("08 0000 1234"), b"\x0c"):
            self.add(pdu, None, "in listen-only mode")
        if self._serial:
            self.add(request(6, 0, 1), None, "to all in listen-only mode", slave_id=0)
        self.add("08 0001 0000", None, "in listen-only mode")
        self.add(request(3, 0, 1), "03 02 0000")


class SerialLine:
    """A line on which the requests come."""

    def __init__(self, server, framer, seal):
        self._seal = seal
        self.wire = Wire(b"")
        self.rtu = RTUServer(self.wire, server, baudrate=115200, framer=framer)

    def frame(self, slave_id, pdu):
        return self._seal(bytes((slave_id,)) + pdu)

    def serve(self, asked, answered):
        """Let a request come. Returns whether what is answered is this."""
        wire, rtu = self.wire, self.rtu
        wire.said = asked
        wire.say()
        start_ms = ticks_ms()
        wait_ms = _ANSWER_MS if answered else _SILENCE_MS
        while not rtu.poll():
            if ticks_diff(ticks_ms(), start_ms) > wait_ms:
                break
        if wire.written != len(answered):
            return False
        for i in range(len(answered)):
            if wire.sent[i] != answered[i]:
                return False
        return True


class Network:
    """A connection over which the requests come."""

    def __init__(self, server):
        self._bench = Bench(server)
        self._tcp = self._bench.tcp
        self._sock = self._bench.client().sock
        self._reply = bytearray(300)

    @staticmethod
    def frame(slave_id, pdu):
        return frame(pdu, slave_id)

    def serve(self, asked, answered):
        """Send a request. Returns whether what is answered is this."""
        tcp, sock, reply = self._tcp, self._sock, self._reply
        sock.write(asked)
        start_ms = ticks_ms()
        wait_ms = _ANSWER_MS if answered else _SILENCE_MS
        n = 0
        while n < len(answered) or not answered:
            tcp.poll(1)
            n = sock.readinto(reply) or 0
            if n or ticks_diff(ticks_ms(), start_ms) > wait_ms:
                break
        if n != len(answered):
            return False
        for i in range(n):
            if reply[i] != answered[i]:
                return False
        return True


class GatewayRequests:
    """Requests through a gateway, the responses, and what its line says.

    rows   (what, slave id, PDU, response PDU or None for silence, bytes on the line) each
    """

    def __init__(self):
        self.rows = []
        for what, slave_id, pdu, response, _ in Requests("RTU").rows:
            if response is not None and slave_id in (_DEVICE, _ROUTED):
                self.add(what, slave_id, pdu, rtu_frame(bytes((slave_id,)) + response), response)
        for pdu in (request(3, 0, 1), request(6, 0, 1), write_registers(0, [1]), b"\x41\x01"):
            self._refused(pdu)
            self.add("to all", 0, pdu, b"", None if pdu[0] in WRITES else self._own(pdu))
            self.add("to itself", 255, pdu, b"", self._own(pdu))
            self.add("to the device at hand", _LOCAL, pdu, b"", self._own(pdu))

    def add(self, what, slave_id, pdu, said, response):
        self.rows.append((what, slave_id, pdu, response, said))

    @staticmethod
    def _own(pdu):
        """What the gateway's own device, whose only register is 0, answers."""
        if pdu[0] == 3:
            return raw("03 02 0001")
        return raw("c1 01") if pdu[0] == 0x41 else pdu[:5]

    def _refused(self, pdu):
        """Replies that are none, from a device and from those that are not there."""
        refusal = bytes((pdu[0] | 0x80, 11))
        good = rtu_frame(bytes((_DEVICE,)) + {3: raw("03 02 0007"), 16: pdu[:5]}.get(pdu[0], pdu))
        for what, said in (
            ("that is not answered", b""),
            ("answered with a wrong CRC", good[:-1] + bytes((good[-1] ^ 1,))),
            ("answered by another", rtu_frame(bytes((_OTHER,)) + good[1:-2])),
            ("answered in part", good[:3]),
            ("answered with noise", b"\x55" * 300),
        ):
            self.add(what, _DEVICE, pdu, said, refusal)
        self.add("to nobody", _OTHER, pdu, b"", bytes((pdu[0] | 0x80, 10)))


class Passed(Network):
    """A connection to a gateway, behind which a line answers each request in turn."""

    def __init__(self, rows):
        self._wire = Wire(b"", replies=True)
        line = RTUClient(self._wire, baudrate=115200, timeout_ms=5, turnaround_ms=1)
        local = Server(Store(holding_registers=[1]), (_LOCAL,))
        super().__init__(Gateway(line, (_DEVICE, _ROUTED), local=local))
        self._said = [row[4] for row in rows]
        self._number = 0

    def serve(self, asked, answered):
        self._wire.said = self._said[self._number]
        self._number += 1
        return super().serve(asked, answered)


def rtu_frame(data):
    """Return the RTU frame of these bytes."""
    crc = crc16(data, 0, len(data))
    return data + bytes((crc & 0xFF, crc >> 8))


def fill():
    """Take nearly all of the heap: its own frame is there as well. Returns what holds it."""
    gc.collect()
    kept = None
    for size in (65536, 4096, 512, 64):
        try:
            while True:
                kept = (kept, bytearray(size))
        except MemoryError:
            pass
    return kept


def fill_up(kept):
    """Take the rest of the heap. Returns what holds all."""
    try:
        while True:
            kept = (kept,)
    except MemoryError:
        pass
    return kept


def one(line, how, asked, answered):
    """Have one request served. Returns 0, or 1 for a wrong answer and 2 for memory taken."""
    if how == "locked":
        micropython.heap_lock()
        right = line.serve(asked, answered)
        micropython.heap_unlock()
        return 0 if right else 1
    if how == "full":
        return 0 if line.serve(asked, answered) else 1
    gc.collect()
    before = gc.mem_alloc()
    right = line.serve(asked, answered)
    after = gc.mem_alloc()
    if after != before:
        return 2
    return 0 if right else 1


def all_of(line, how, frames, outcomes):
    """Have every request served, and keep the outcomes."""
    i = 0
    while i < len(frames):
        outcomes[i] = one(line, how, frames[i], frames[i + 1])
        i += 2


def make_line(transport):
    """Return a server on a line of this kind."""
    server = make_server()
    if transport == "TCP":
        return Network(server)
    if transport == "ASCII":
        return SerialLine(server, ASCII, text)
    return SerialLine(server, RTU, rtu_frame)


def main(transport, how):
    if transport == "GATEWAY":
        rows = GatewayRequests().rows
        line = Passed(rows)
    else:
        rows = [row for row in Requests(transport).rows if how != "counted" or not row[4]]
        line = make_line(transport)
    frames = []
    for row in rows:
        slave_id, pdu, response = row[1:4]
        frames.append(line.frame(slave_id, pdu))
        frames.append(b"" if response is None else line.frame(slave_id, response))
    outcomes = bytearray(b"\xff" * len(frames))
    modules = len(sys.modules)
    gc.disable()
    kept = fill_up(fill()) if how == "full" else None
    free = gc.mem_free()
    all_of(line, how, frames, outcomes)
    del kept
    gc.enable()
    gc.collect()
    right = 0
    for i in range(len(rows)):
        outcome = outcomes[2 * i]
        if outcome == 0:
            right += 1
        else:
            print(rows[i][:3], "wrong answer" if outcome == 1 else "takes memory")
    assert len(sys.modules) == modules, "something was imported"
    assert how != "full" or free == 0, "%d bytes were free" % free
    print(right, "of", len(rows), "are right")


if __name__ == "__main__":
    main(*sys.argv[1:])
