"""Kind "real": a server in a process of its own, asked over real sockets and pseudo-terminals.

python3 -m tools.fuzz.real MICROPYTHON SEED SECONDS prints what tests/mpy/fuzz/main.py prints.
"""

import contextlib
import os
import select
import socket
import subprocess
import sys
import time

from tools.env import ROOT
from tools.pty_line import PtyLine

FOLDER = ROOT / "tests" / "mpy"
sys.path.insert(0, str(FOLDER))

# The modules of the cases are importable now.
from fuzz import device, frames, readings  # noqa: E402
from fuzz.model import Link  # noqa: E402
from fuzz.requests import OPTIONAL, STANDARD, USER, Writer  # noqa: E402
from fuzz.rng import Difference, Rng  # noqa: E402

_CODES = STANDARD * 2 + OPTIONAL + USER
_PATIENCE_S = 10  # for an answer
_QUIET_S = 0.03  # where none may come
_READY_S = 30
_APART_S = 0.08  # ends whatever was on a line before


def _receive(descriptor, is_whole, wanted):
    """Return what comes until it is whole, or for a moment if nothing is wanted."""
    data = b""
    deadline = time.monotonic() + (_PATIENCE_S if wanted else _QUIET_S)
    while not (wanted and is_whole(data)):
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not select.select([descriptor], [], [], left_s)[0]:
            break
        piece = os.read(descriptor, 4096)
        if not piece:
            break
        data += piece
    return data


class _Network:
    """A connection, or a socket for datagrams, to the server."""

    def __init__(self, kind, port, framer):
        self.framer = framer
        self.link = Link(False)
        self.sock = socket.socket(socket.AF_INET, kind)
        self.sock.connect(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.is_stream = kind == socket.SOCK_STREAM
        self._transaction = 0

    def frame(self, slave_id, pdu):
        """Return the frame of a request, or None if this network cannot have it."""
        if self.framer == "RTU":
            data = frames.rtu(slave_id, pdu)
            return data if readings.length(readings.REQUEST, data, 0) == len(data) else None
        self._transaction = self._transaction + 1 & 0xFFFF
        return frames.mbap(self._transaction, slave_id, pdu)

    def ask(self, rng, data, wanted):
        """Send a frame in one or more pieces. Returns what comes back."""
        cuts = [rng.below(len(data)) for _ in range(rng.below(4))] if self.is_stream else []
        begin = 0
        for cut in [*sorted(cuts), len(data)]:
            if cut > begin:
                self.sock.send(data[begin:cut])
                time.sleep(rng.choice((0, 0, 0.001)))
                begin = cut
        return _receive(self.sock.fileno(), self._is_whole, wanted)

    def _is_whole(self, data):
        if self.framer == "RTU":
            return len(data) > 4 and frames.crc(data) == 0
        return len(data) > 7 and len(data) >= 6 + (data[4] << 8 | data[5])

    def pdu(self, request, got):
        """Return slave id and PDU of an answer to this request frame, or None."""
        if self.framer == "RTU":
            return (got[0], got[1:-2]) if frames.crc(got) == 0 else None
        good = got[:4] == request[:4] and len(got) == 6 + (got[4] << 8 | got[5])
        return (got[6], got[7:]) if good else None

    def close(self):
        self.sock.close()


class _Line:
    """The other end of the server's serial line."""

    def __init__(self, path, is_ascii):
        self.is_ascii = is_ascii
        self.link = Link(True, is_ascii)
        self.link.exact = False
        self.descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def frame(self, slave_id, pdu):
        """Return the frame of a request; None if its CRC is right before its end, too.

        On a busy machine there may be a pause in it, which ends it there.
        """
        if self.is_ascii:
            return frames.ascii(slave_id, pdu, bytes((self.link.delimiter,)))
        data = frames.rtu(slave_id, pdu)
        return data if len(frames.ends(data)) == 1 else None

    def ask(self, rng, data, wanted):
        """Send a frame, perhaps with a piece of another one before. Returns what comes back."""
        if rng.one_in(6):
            os.write(self.descriptor, data[: rng.between(1, len(data) - 1)])
            time.sleep(_APART_S)
        os.write(self.descriptor, data)
        return _receive(self.descriptor, self._is_whole, wanted)

    def _is_whole(self, data):
        if self.is_ascii:
            return len(data) > 8 and data[-2:-1] == b"\r"
        return len(data) > 4 and frames.crc(data) == 0

    def pdu(self, _request, got):
        """Return slave id and PDU of an answer, or None."""
        if not self.is_ascii:
            return (got[0], got[1:-2]) if frames.crc(got) == 0 else None
        with contextlib.suppress(ValueError):
            data = bytes.fromhex(got[1:-2].decode())
            if got[:1] == b":" and sum(data) & 0xFF == 0:
                return data[0], data[1:-1]
        return None

    def close(self):
        os.close(self.descriptor)


class Real:
    """The server that a seed draws, its peers and its model."""

    def __init__(self, port, seed):
        self.rng = Rng(seed)
        self.setup = device.draw(Rng(seed))
        self.model = device.model_of(self.setup)
        self._stack = contextlib.ExitStack()
        self.peers = self._start(port, seed)

    def _start(self, port, seed):
        lines = [self._stack.enter_context(PtyLine()) for _ in range(2)]
        ports = [_free_port() for _ in range(3)]
        program = str(FOLDER / "fuzz" / "real_server.py")
        words = [seed, *ports, *(line.server_path for line in lines)]
        process = subprocess.Popen(
            [port, "-X", "heapsize=32m", program, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, "MICROPYPATH": f"{ROOT}:{FOLDER}:.frozen"},
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        if not select.select([process.stdout], [], [], _READY_S)[0]:
            raise Difference("a server that starts", "nothing")
        said = process.stdout.readline()
        if said != "ready\n":
            raise Difference("a server that starts", said + process.stdout.read())
        return {
            "TCP": _Network(socket.SOCK_STREAM, ports[0], "MBAP"),
            "RTU over TCP": _Network(socket.SOCK_STREAM, ports[1], "RTU"),
            "UDP": _Network(socket.SOCK_DGRAM, ports[2], "MBAP"),
            "RTU": _Line(lines[0].client_path, False),
            "ASCII": _Line(lines[1].client_path, True),
        }

    def close(self):
        """End the server."""
        for peer in self.peers.values():
            peer.close()
        self._stack.close()

    def play(self, seconds):
        """Ask for so long, once at least. Returns how many requests there were."""
        setup = self.setup
        writer = Writer(
            self.rng,
            device.BITS[setup["bits"]],
            device.REGISTERS[setup["registers"]],
            tuple(device.FILES),
            tuple(device.QUEUES),
        )
        until = time.monotonic() + seconds
        n = 0
        while n < 30 or time.monotonic() < until:
            name = self.rng.choice(sorted(self.peers))
            slave_id = self.rng.choice(tuple(setup["ids"]) * 4 + (0, 99, 255))
            writer.unit = slave_id
            n += self.one(name, slave_id, writer.pdu(_CODES))
        return n

    def one(self, name, slave_id, pdu):
        """Ask for one thing and compare."""
        peer = self.peers[name]
        request = peer.frame(slave_id, pdu)
        if request is None:
            return 0
        answer = self.model.request(slave_id, pdu, peer.link)
        for other in self.peers.values():
            other.link.exact = False  # the event log is that of all lines, some with fragments
        got = peer.ask(self.rng, request, answer is not None)
        wrong = (
            got != b"" if answer is None else not self._fits(peer, request, slave_id, answer, got)
        )
        if wrong:
            raise Difference(
                f"{answer or 'silence'!r} to {frames.shown(request)} over {name}",
                frames.shown(got) or "nothing",
            )
        return 1

    @staticmethod
    def _fits(peer, request, slave_id, answer, got):
        found = peer.pdu(request, got) if got else None
        return found is not None and found[0] == slave_id and answer.fits(found[1])


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def main(port, seed, seconds):
    """Return the exit status."""
    checks = 0
    difference = None
    real = None
    try:
        real = Real(port, seed)
        checks = real.play(seconds)
    except Difference as error:
        difference = error.args
    finally:
        if real is not None:
            real.close()
    print(f"1 cases {checks} checks")
    if difference is None:
        return 0
    print(f"kind real seed {seed}\nexpected {difference[0]}\ngot      {difference[1]}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
