"""A Modbus TCP server that answers as a test says, rightly or not, and keeps what it was asked."""

import contextlib
import socket
import struct
import threading
import time

CLOSE = "close"  # what a script yields besides bytes, and numbers of seconds to wait
RESET = "reset"


class Request:
    """A request as it came."""

    def __init__(self, frame):
        self.frame = frame
        self.transaction = int.from_bytes(frame[:2], "big")
        self.slave_id = frame[6]
        self.pdu = frame[7:]

    def reply(self, pdu, *, behind=0, slave_id=None, protocol=0, length=None):
        """Return a frame with this response PDU; what else is given makes it a wrong one.

        behind  how many transactions ago the request was that it pretends to answer
        """
        pdu = bytes.fromhex(pdu) if isinstance(pdu, str) else pdu
        length = len(pdu) + 1 if length is None else length
        slave_id = self.slave_id if slave_id is None else slave_id
        transaction = (self.transaction - behind) & 0xFFFF
        return struct.pack(">HHHB", transaction, protocol, length, slave_id) + pdu


def right(pdu):
    """Return the response of a device whose register n holds 7 n, and every third bit is on."""
    code = pdu[0]
    if code > 4 and code != 23:
        return pdu[:5] if code in (15, 16) else pdu
    start, quantity = struct.unpack(">HH", pdu[1:5])
    if code < 3:
        bits = sum(1 << i for i in range(quantity) if (start + i) % 3 == 0)
        data = bits.to_bytes((quantity + 7) // 8, "little")
    else:
        values = [7 * (start + i) & 0xFFFF for i in range(quantity)]
        data = struct.pack(f">{quantity}H", *values)
    return bytes((code, len(data))) + data


def good(request):
    """Be the script of a server that does nothing wrong."""
    yield request.reply(right(request.pdu))


def always(pdu):
    """Return the script of a server that answers everything with this PDU."""

    def script(request):
        yield request.reply(pdu)

    return script


class ScriptedServer:
    """A server of one connection at a time, up between start() and stop(), or in a `with`.

    script(request) yields what is to be done about a request: bytes are sent, a number of seconds
    passes, CLOSE and RESET end the connection. Change it at any time.
    """

    def __init__(self, script=good):
        self.script = script
        self.requests = []
        self.connections = 0
        self.port = 0
        self._connection = None
        self._stopping = False

    @property
    def address(self):
        """(host, port), for a client."""
        return "127.0.0.1", self.port

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Begin to listen, at the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self):
        """Vanish: nobody listens, and nobody is connected any more."""
        self._stopping = True
        with contextlib.suppress(OSError):
            socket.create_connection(self.address, 1).close()  # wakes accept()
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        assert not self._thread.is_alive(), "the scripted server does not end"

    @property
    def connected(self):
        """Is there a connection that neither side has closed?"""
        return self._connection is not None

    def wait_until(self, condition, what):
        """Give the client's doings time to be noticed here."""
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, what
            time.sleep(0.005)

    def pdus(self):
        """Return the request PDUs that have come, in hexadecimal."""
        return [request.pdu.hex() for request in self.requests]

    def _serve(self):
        with self._listener:
            while not self._stopping:
                connection, _ = self._listener.accept()
                with connection:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._connection = connection
                    if not self._stopping:
                        self.connections += 1
                        with contextlib.suppress(OSError):
                            self._talk(connection)
                self._connection = None

    def _talk(self, connection):
        """Answer one client until one side has enough."""
        while not self._stopping:
            frame = _read(connection, 6)
            frame += _read(connection, int.from_bytes(frame[4:6], "big"))
            request = Request(frame)
            self.requests.append(request)
            for step in self.script(request):
                if step == CLOSE:
                    return
                if step == RESET:
                    linger = struct.pack("ii", 1, 0)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    return
                if isinstance(step, bytes):
                    connection.sendall(step)
                else:
                    time.sleep(step)


def _read(connection, n):
    data = b""
    while len(data) < n:
        more = connection.recv(n - len(data))
        if not more:
            raise ConnectionResetError("closed")
        data += more
    return data
