"""Kinds "client-tcp", "client-rtu-tcp", "client-udp": clients of servers that do as they like.

By an exact clock, on the network of net.py. Events are (pause in us, call, scripts), as for lines;
a call's connection script says what becomes of connections that are begun during it.
"""

from fuzz import net  # comes first: it stands in for the modules socket, select and time

from support.uart import clock

from fuzz import calls, slaves
from fuzz.client_line import (
    Record,
    Verdict,
    check_spoken,
    is_late,
    outcome_of,
    pause_us,
)
from fuzz.frames import crc, mbap, rtu, shown
from fuzz.rng import Difference, Rng, journal

_EVENTS = 25
_LAST = 3
_ADDRESS = ("192.168.1.9", 502)
_SLAVES = (1, 2, 17, 255, 0)
_LIMIT_NS = 60_000_000_000
_NEVER_NS = 1 << 60
_CONNECTS_US = 3000  # how long a connection takes
_BACKOFF_US = 100_000  # between attempts to connect; it doubles, up to
_LONGEST_BACKOFF_US = 10_000_000
_WRITES = (5, 6, 8, 15, 16, 21, 22)  # answers that begin like the request
_PASSED = ("transaction", "unit", "stale")  # answers to somebody or something else
_ENDS = ("close", "reset", "hang")
_BAD = ("code", "short", "long", "echo", "cut", "noise", "header", "crc", "flood")
_PARTIAL = ("cut", "noise", "header", "crc", "short", "long", "echo", "split")
_UNFINISHED = ("cut", "header")  # what comes behind these in a stream belongs to them
_NOISE = (b"\0", b"\xff", b"\0\0", b"\x55\xaa\x55", b"hello\n")


def draw_setup(rng, framer):
    """A client and its clocks."""
    return {
        "framer": framer,
        "timeout_ms": rng.choice((50, 200, 1000)),
        "retries": rng.choice((0, 0, 1, 2)),
        "echo": rng.choice((False, False, True, None)),  # with RTU
        "wrap_us": rng.below(10 ** rng.between(4, 8)),
        "wrap_ms": rng.below(10 ** rng.between(1, 6)),
    }


def draw(seed, framer="MBAP"):
    """A case of a TCP client."""
    rng = Rng(seed)
    setup = draw_setup(rng, framer)
    script = NetScript(rng, setup)
    events = []
    late = None
    for number in range(_EVENTS):
        call = calls.draw(rng, rng.choice(_SLAVES), number)
        pause = pause_us(rng, setup)
        if late and not rng.one_in(4):
            call, pause = calls.alike(late, number) or call, 0
        scripts = []
        if not rng.one_in(4):
            scripts = [script.draw() for _ in range(setup["retries"] + 1)]
        late = call if is_late(scripts, script.timeout_us) else None
        events.append((pause, call, scripts, script.connections()))
    for number in range(_EVENTS, _EVENTS + _LAST):
        call = calls.draw(rng, rng.choice(_SLAVES), number)
        events.append((5 * script.timeout_us + 10_000_000, call, [], []))
    return setup, events


def draw_rtu(seed):
    """A case of a client of RTU over TCP."""
    return draw(seed, "RTU")


def draw_udp(seed):
    """A case of a UDP client."""
    return draw(seed, "UDP")


class NetScript:
    """Draws what becomes of requests and of connections."""

    def __init__(self, rng, setup):
        self.rng = rng
        self.framer = setup["framer"]
        self.timeout_us = setup["timeout_ms"] * 1000

    def draw(self):
        """What is said to a request: (delay in us, kind, detail) each."""
        rng = self.rng
        kind = rng.below(16)
        soon = rng.choice((0, 100, 1000, 20_000, self.timeout_us // 2))
        if kind < 4:
            return [(soon, "good", None)]
        if kind == 4:
            return []
        if kind == 5:
            return [(self.timeout_us + rng.between(1000, self.timeout_us * 9 // 10), "good", None)]
        if kind == 6:
            return [(soon, "exception", rng.choice((1, 2, 3, 4, 5, 6, 8, 10, 11, 255)))]
        if kind == 7:
            gaps = [rng.choice((0, 10, 1000, self.timeout_us // 8)) for _ in range(3)]
            return [(soon, "split", gaps)]
        if kind == 8:
            after = rng.choice(((0, "double", None), (10_000, "close", None), (0, "close", None)))
            return [(soon, "good", None), after]
        return self._odd(kind, soon)

    def _odd(self, kind, soon):
        """A script in which something is wrong, or comes from somebody else."""
        rng = self.rng
        if kind < 11:
            passed = rng.choice(_PASSED)
            return [(soon, passed, rng.below(256)), (rng.choice((0, 1000)), "good", None)]
        if kind < 13:
            return [(soon, rng.choice(_ENDS), None)]
        bad = rng.choice(_BAD)
        detail = rng.data(rng.choice((1, 2, 7, 30, 300))) if bad == "noise" else rng.below(256)
        row = [(soon, bad, detail)]
        if rng.one_in(3):
            row.append((1000, "good", None))
        elif rng.one_in(3):
            row.append((1000, rng.choice(_ENDS), None))
        return row

    def connections(self):
        """What becomes of connections: (kind, detail) each; those beyond are there soon."""
        rng = self.rng
        if not rng.one_in(6):
            return []
        kinds = ("refused", "never", "closed", "late", "greets")
        some = []
        for _ in range(rng.between(1, 2)):
            kind = rng.choice(kinds)
            detail = rng.choice(_NOISE)
            if kind == "late":
                detail = rng.choice((10_000, self.timeout_us // 2, self.timeout_us * 2))
            some.append((kind, detail))
        return some


class Game:
    """A client, and the server that its scripts make."""

    def __init__(self, setup):
        self.setup = setup
        clock.reset(setup["wrap_us"], 20, setup["wrap_ms"])
        network = net.network
        network.clear()
        network.on_connect = self.connecting
        network.on_data = self.came
        network.on_datagram = self.datagram
        self.client = self.make()
        self.record = None
        self.connections = []
        self.connects = 0
        self.parts = {}  # {socket: bytes of a request}
        self.attempts = 0  # to connect, since an answer came last,
        self.attempt_us = 0  # and when the last of them was
        self.dead = []  # sockets on which nothing is answered any more
        self.noticed = []  # those of them on which a call waited in vain: they have to be given up
        self.sock = None  # of the last connection that was begun
        self.flood_us = 0  # when what nobody asked for is over

    def make(self):
        """The client."""
        setup = self.setup
        options = {"timeout_ms": setup["timeout_ms"], "retries": setup["retries"]}
        if setup["framer"] == "UDP":
            return self.kind()(_ADDRESS, **options)
        if setup["framer"] == "RTU":
            from umb.frame.rtu_stream import RTUStream

            options["framer"] = RTUStream
            options["echo"] = setup["echo"]
        return self.kind()(_ADDRESS, **options)

    def kind(self):
        """The class of the client."""
        if self.setup["framer"] == "UDP":
            from umb.client.udp import UDPClient

            return UDPClient
        from umb.client.tcp import TCPClient

        return TCPClient

    # the far end

    def connecting(self, sock):
        """A connection is begun: it goes as its script says."""
        self.connects += 1
        self.attempts += 1
        self.sock = sock
        self.attempt_us = clock.now_us()
        kind, detail = "soon", None
        if self.connections:
            kind, detail = self.connections.pop(0)
        now_ns = clock.now_ns
        sock.connected_ns = now_ns + _CONNECTS_US * 1000
        if kind == "refused":
            sock.refused_ns = sock.connected_ns
        elif kind == "never":
            sock.connected_ns = _NEVER_NS
        elif kind == "closed":
            sock.incoming.end(sock.connected_ns + 1000)
        elif kind == "late":
            sock.connected_ns = now_ns + detail * 1000
        elif kind == "greets":
            sock.incoming.put(sock.connected_ns + 1000, detail)

    def came(self, sock, data):
        """Bytes of a request arrive."""
        data = self.parts.pop(sock, b"") + data
        if self.setup["framer"] == "RTU":
            slave_id, pdu, whole = data[0], data[1:-2], crc(data) == 0
        else:
            slave_id, pdu = data[6] if len(data) > 6 else None, data[7:]
            whole = len(data) > 6 and len(data) == 6 + (data[4] << 8 | data[5])
        if not whole:
            self.parts[sock] = data
            return
        self.answer(sock, data[:2], slave_id, pdu)

    def datagram(self, sock, data, address):
        """A request arrives in a datagram."""
        if address != _ADDRESS or len(data) != 6 + (data[4] << 8 | data[5]):
            raise Difference("a frame to {}".format(_ADDRESS), shown(data))
        self.answer(sock, data[:2], data[6], data[7:])

    def answer(self, sock, transaction, slave_id, pdu):
        """Do what the script of this request says."""
        if sock.incoming.end_ns <= clock.now_ns and self.setup["framer"] != "UDP":
            sock.incoming.reset_ns = clock.now_ns  # nobody is there any more
            return
        record = self.record_of(pdu)
        if record is None or slave_id != record.call[1] or pdu != calls.request(record.call):
            raise Difference("a request of {}".format(record and record.call), shown(pdu))
        script = record.next_script([(1000, "good", None)])
        if sock in self.dead:
            return
        good = slaves.answer(slave_id, pdu)
        at_us = clock.now_us()
        if self.setup["echo"] and self.setup["framer"] == "RTU":
            self.put(sock, at_us * 1000, rtu(slave_id, pdu))
        for delay_us, drawn, detail in script:
            at_us += delay_us
            kind = self.kind_of(drawn, pdu)
            if kind in ("good", "split", "double"):
                record.spoken.append((at_us, "good"))
            elif kind == "exception":
                record.spoken.append((at_us, detail))
            at_us = self.speak(sock, at_us, kind, detail, (transaction, slave_id, pdu, good))
            if kind == "flood" or self.wants_more(kind):
                break

    def wants_more(self, kind):
        """Return whether what follows in a stream would be the rest of such a speech."""
        return kind in _UNFINISHED or (kind == "short" and self.setup["framer"] == "RTU")

    def record_of(self, _pdu):
        """The record of the call that this request is from."""
        return self.record

    def kind_of(self, kind, pdu):
        """The kind of a speech, or one like it that a client can tell from a right one."""
        framer = self.setup["framer"]
        if framer == "UDP" and kind in _ENDS:
            return "noise"
        if clock.now_us() < self.flood_us and kind in _PARTIAL:
            # What comes meanwhile would go on with a part of a frame.
            return "good" if kind == "split" else "unit"
        if framer == "RTU" and kind in ("stale", "transaction"):
            return "unit"
        if kind == "crc" and framer != "RTU":
            return "cut"
        if kind == "header" and (framer == "RTU" or pdu[0] == 65):
            return "cut"
        if kind == "double" and self.setup["echo"] is None:
            return "good"  # the first of two might be the request come back
        if kind in _BAD and not slaves.can_be_seen(kind, pdu[0]):
            return "cut"
        return kind

    def frame(self, transaction, slave_id, pdu):
        """A frame as this server has it."""
        if self.setup["framer"] == "RTU":
            return rtu(slave_id, pdu)
        return mbap(transaction[0] << 8 | transaction[1], slave_id, pdu)

    def speak(self, sock, at_us, kind, detail, request):
        """One of the things that a script says. Returns when it is over."""
        transaction, slave_id, pdu, good = request
        at_ns = at_us * 1000
        if kind == "hang":
            self.dead.append(sock)
        elif kind == "close":
            sock.incoming.end(at_ns)
        elif kind == "reset":
            sock.incoming.reset_ns = at_ns
        elif kind == "flood":
            data = self.speech("stale" if self.setup["framer"] != "RTU" else "unit", 1, *request)
            for _ in range(300):
                at_ns += 2_000_000
                self.put(sock, at_ns, data[0])
            self.flood_us = at_ns // 1000
        elif kind == "split" and self.setup["framer"] != "UDP":
            data = self.frame(transaction, slave_id, good)
            n = len(data)
            begin = 0
            for cut, gap_us in zip((n // 5, n // 3, n - 1), detail):
                self.put(sock, at_ns, data[begin:cut])
                begin = cut
                at_ns += gap_us * 1000
            self.put(sock, at_ns, data[begin:])
        else:
            for data in self.speech(kind, detail, transaction, slave_id, pdu, good):
                self.put(sock, at_ns, data)
        return at_ns // 1000

    def put(self, sock, at_ns, data):
        """Let bytes arrive, or a datagram of them."""
        if self.setup["framer"] == "UDP":
            sock.deliver(at_ns, data, _ADDRESS)
        else:
            sock.incoming.put(at_ns, data)

    def speech(self, kind, detail, transaction, slave_id, pdu, good):
        """The frames of a speech."""
        data = self.frame(transaction, slave_id, good)
        if kind == "double":
            return data, data
        if kind == "transaction":
            other = bytes((transaction[0], transaction[1] ^ (detail or 1)))
            return (self.frame(other, slave_id, slaves.wrong("code", 99, pdu, good)),)
        if kind == "stale":
            number = (transaction[0] << 8 | transaction[1]) - 1 & 0xFFFF
            wrong = slaves.answer(slave_id ^ 1, pdu)
            return (self.frame((number >> 8, number & 0xFF), slave_id, wrong),)
        if kind == "unit":
            other = slave_id ^ (detail if isinstance(detail, int) and detail else 1)
            return (self.frame(transaction, other, slaves.answer(9, pdu)),)
        if kind == "header":
            wrong = ((2, 1), (4, 1), (5, 1), (5, 0xFF), (4, 0xFF))[detail % 5]
            return (data[: wrong[0]] + bytes((data[wrong[0]] ^ wrong[1],)) + data[wrong[0] + 1 :],)
        if kind == "crc":
            return (data[:-1] + bytes((data[-1] ^ 0x10,)),)
        if kind == "cut":
            return (data[: 1 + detail % (len(data) - 1)],)
        if kind == "noise":
            return (detail or b"\x55",)
        if kind in ("good", "split"):
            return (data,)
        return (self.frame(transaction, slave_id, slaves.wrong(kind, detail, pdu, good)),)

    # the program

    def play(self, pause, call, scripts, connections):
        """Make a call. Returns how many requests it took."""
        clock.now_ns += pause * 1000
        self.record = record = Record(call, scripts)
        self.connections = list(connections)
        self.connects = 0
        verdict = self.verdict(call, scripts, connections)
        code, slave_id, arguments = call
        begin_us = clock.now_us()
        clock.limit_ns = clock.now_ns + _LIMIT_NS
        try:
            got = "value", calls.method(self.client, code)(slave_id, *arguments)
        except Exception as error:  # noqa: BLE001 - it is looked at
            got = outcome_of(error)
        finally:
            clock.limit_ns = _NEVER_NS
        journal.append((clock.now_us(), got))
        if verdict.certain is not None and got != verdict.certain:
            raise Difference("{} from {}".format(verdict.certain, call), repr(got))
        check_spoken(call, got, record.spoken, clock.now_us(), True)
        if got[0] in ("value", "exception"):
            self.attempts = 0
        elif got[0] == "none" and self.sock in self.dead:
            self.noticed.append(self.sock)
        self.check_limits(begin_us)
        return max(1, record.requests)

    def backoff_us(self):
        """For how long it may keep from connecting: attempts in a row are ever further apart."""
        if not self.attempts:
            return 0
        apart_us = min(_BACKOFF_US << min(self.attempts - 1, 10), _LONGEST_BACKOFF_US)
        return apart_us - (clock.now_us() - self.attempt_us)

    def is_doomed(self):
        """Return whether the connection that there is will be of no use, but nobody can know."""
        sock = self.sock
        if sock is None or not sock.open or sock in self.noticed:
            return False
        end_ns = min(sock.incoming.end_ns, sock.incoming.reset_ns)
        return sock in self.dead or clock.now_ns < end_ns < _NEVER_NS

    def verdict(self, call, scripts, connections):
        """What has to come out of a call."""
        framer = self.setup["framer"]
        unknown_echo = framer == "RTU" and self.setup["echo"] is None and call[0] in _WRITES
        if clock.now_us() < self.flood_us or self.is_doomed():
            return Verdict(None)
        if unknown_echo or self.backoff_us() > self.setup["timeout_ms"] * 1000 - 20_000:
            return Verdict(None)
        for kind, _ in connections:
            if kind != "greets" or framer != "RTU":
                return Verdict(None)
        return self.decide(call, scripts)

    def decide(self, call, scripts):
        """What has to come out of a call whose connection is there or soon will be."""
        framer = self.setup["framer"]
        script = scripts[0] if scripts else [(0, "good", None)]
        timeout_us = self.setup["timeout_ms"] * 1000
        at_us = 0
        for delay_us, kind, detail in script:
            at_us += delay_us + (sum(detail) if kind == "split" else 0)
            if at_us > timeout_us - 12_000:
                return Verdict(None)
            if kind == "exception":
                return Verdict(("exception", detail))
            if kind in ("good", "split", "double"):
                if framer == "RTU" and call[0] in (43, 65):
                    return Verdict(None)  # nothing tells where these end
                return Verdict(("value", calls.result(call, True)))
            silent_end = framer == "RTU" and call[0] in (43, 65)
            noise = framer == "RTU" and kind == "noise" and len(detail) < 8
            if silent_end or not (kind in _PASSED or noise):
                return Verdict(None)
        return Verdict(None)

    def check_limits(self, begin_us):
        """No call lasts longer than its tries can, nor floods the server with connections."""
        setup = self.setup
        tries = setup["retries"] + 2  # one is free where a connection turns out to be dead
        longest_us = tries * (2 * setup["timeout_ms"] * 1000 + 100_000)
        took_us = clock.now_us() - begin_us
        if took_us > longest_us:
            raise Difference("no more than {} us".format(longest_us), "{} us".format(took_us))
        if self.connects > tries + 1:
            raise Difference("no more than {} connections".format(tries + 1), repr(self.connects))


def play(setup, events):
    """Play a case. Returns how many requests there were."""
    game = Game(setup)
    n = 0
    for event in events:
        n += game.play(*event)
    return n
