"""Slaves that answer as a test says, rightly or not, and keep what they were asked."""

import contextlib
import os
import select
import socket
import threading
import time

from tests.conformance import peers
from tests.interop.peer_scripted import Request, ScriptedServer, good, right


class SerialRequest:
    """A request as it came on a serial line."""

    def __init__(self, line, frame):
        self.frame = frame
        self.line = line  # peers.RTU or peers.ASCII
        data = frame if line is peers.RTU else bytes.fromhex(frame[1:-2].decode()) + b"\0"
        self.slave_id = data[0]
        self.pdu = data[1:-2]

    def reply(self, pdu, *, slave_id=None):
        """Return a frame with this response PDU."""
        pdu = bytes.fromhex(pdu) if isinstance(pdu, str) else pdu
        return self.line.frame(pdu, self.slave_id if slave_id is None else slave_id)


class _Slave:
    """Up in a `with`. script(request) yields bytes to send and numbers of seconds to wait."""

    def __init__(self):
        self.script = good
        self.requests = []
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "the slave does not end"
        self._close()

    def waiting(self):
        """Has something come that was not fetched yet?"""
        return bool(select.select([self.file], [], [], 0)[0])

    def _has_more(self):
        """Return whether there is more to be looked at than what comes."""
        return False

    def _serve(self):
        while not self._stopping:
            if not self._has_more() and not select.select([self.file], [], [], 0.05)[0]:
                continue
            request = self._receive()
            if request is None:
                continue
            self.requests.append(request)
            for step in self.script(request):
                if isinstance(step, bytes):
                    self._send(step)
                else:
                    time.sleep(step)


class UDPSlave(_Slave):
    """A slave that datagrams are for; address is (host, port)."""

    def __init__(self, port=0):
        self.file = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.file.bind(("127.0.0.1", port))
        self.address = self.file.getsockname()
        super().__init__()

    def _receive(self):
        data, self.peer = self.file.recvfrom(512)
        return Request(data)

    def _send(self, data):
        self.file.sendto(data, self.peer)

    def _close(self):
        self.file.close()


class SerialSlave(_Slave):
    """A slave at a device, that speaks what peers.RTU or peers.ASCII speak."""

    def __init__(self, line, device):
        self._master = line(device)  # it has what a slave needs
        self._data = b""
        self._line = line
        self.file = self._master.file
        super().__init__()

    def _receive(self):
        """Return the first request that has come: on a loaded machine that may be two by now."""
        if select.select([self.file], [], [], 0)[0]:
            self._data += self._master.receive()
        n = self._size()
        if n is None:
            return None
        frame, self._data = self._data[:n], self._data[n:]
        return SerialRequest(self._line, frame)

    def _size(self):
        """Return the length of the first frame, None if it is not there."""
        sizes = range(1, len(self._data) + 1)
        return next((n for n in sizes if self._master.whole(self._data[:n])), None)

    def _has_more(self):
        return self._size() is not None

    def waiting(self):
        return bool(self._data) or super().waiting()

    def _send(self, data):
        os.write(self.file, data)

    def _close(self):
        self._master.close()


@contextlib.contextmanager
def slave(kind, line):
    """Run a slave of this kind; a serial one sits on the line (a PtyLine)."""
    makers = {
        "TCP": ScriptedServer,
        "UDP": UDPSlave,
        "RTU": lambda: SerialSlave(peers.RTU, line.server_path),
        "ASCII": lambda: SerialSlave(peers.ASCII, line.server_path),
    }
    with makers[kind]() as running:
        yield running


WRONG = "030400010002"  # two registers, of another device or time


def always(pdu):
    """Return the script of a slave that answers everything with this PDU."""

    def script(request):
        yield request.reply(pdu)

    return script


def in_turn(*scripts):
    """Return a script that is each of these for one request."""
    left = iter(scripts)

    def script(request):
        return next(left)(request)

    return script


def fine(request):
    """Answer as one should."""
    yield request.reply(right(request.pdu))


def silent(_request):
    """Do not answer."""
    yield from ()


def late(request):
    """Answer when nobody waits any more, and not with what the next call wants."""
    yield 0.3
    yield request.reply(WRONG)


def echoing(script, change=lambda frame: frame):
    """Return a script that sends back what was sent, before it answers."""

    def script_with_echo(request):
        yield change(request.frame)
        yield 0.01
        yield from script(request)

    return script_with_echo


__all__ = [
    "SerialSlave",
    "always",
    "echoing",
    "fine",
    "good",
    "in_turn",
    "late",
    "right",
    "silent",
    "slave",
]
