"""Programs of this machine in the network of an emulated Pico W: port forwarding, both ways."""

import contextlib
import select
import socket
import threading
import time

from .network import HOST, Network
from .wire import MS

_SLICE_NS = 2 * MS
_CHUNK = 4096
_AHEAD_S = 0.05  # so far the board may be ahead of real time


class PortForward:
    """Carries bytes between sockets of this machine and the board.

    The board reaches every port of this machine as that port of network.HOST.  The board runs
    while run() or call() does, no faster than real time, so that programs with time-outs and
    boards with intervals agree on what a second is; it may well be slower.
    """

    def __init__(self, pico):
        self.pico = pico
        self.network = Network(pico)
        self.network.on_connect = self._outgoing
        self.carried = []  # what else has to be done meanwhile: functions
        self._listeners = {}  # socket: the board's port
        self._relays = []

    def listen(self, port, address=(HOST, 0)):
        """Return the address (host, port) of this machine that stands for a port of the board."""
        listener = socket.create_server(address)
        listener.setblocking(False)
        self._listeners[listener] = port
        return listener.getsockname()

    def run(self, ended, limit_s=60):
        """Let the board run until ended() is true; TimeoutError after so much of its time."""
        limit_ns = self.pico.now + 1000 * limit_s * MS
        start_s = time.monotonic() - self.pico.now / 1e9
        while not ended():
            if self.pico.now > limit_ns:
                raise TimeoutError(f"nothing has come of it within {limit_s} s of the board")
            self.pico.run_for(_SLICE_NS)
            self.carry()
            for function in self.carried:
                function()
            ahead_s = self.pico.now / 1e9 - (time.monotonic() - start_s)
            if ahead_s > _AHEAD_S:
                time.sleep(ahead_s)
            elif ahead_s < 0:
                start_s -= ahead_s  # a delay is not caught up

    def call(self, function, *arguments, limit_s=60):
        """Return what function(*arguments) returns, the board running meanwhile; or raise that."""
        outcome = {}

        def work():
            try:
                outcome["result"] = function(*arguments)
            except BaseException as error:  # noqa: BLE001 - it is raised where call() was called
                outcome["error"] = error

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.run(lambda: not thread.is_alive(), limit_s)
        if "error" in outcome:
            raise outcome["error"]
        return outcome["result"]

    def carry(self):
        """Move bytes and let programs connect, while the board's time stands still."""
        if self._listeners:
            for listener in select.select(list(self._listeners), [], [], 0)[0]:
                sock, _ = listener.accept()
                self._relays.append(_Relay(sock, self.network.connect(self._listeners[listener])))
        for relay in self._relays:
            relay.carry()
        self._relays = [relay for relay in self._relays if not relay.is_over]

    def _outgoing(self, port):
        """Connect to what listens at a port of this machine, for the board."""
        try:
            sock = socket.create_connection((HOST, port), 1)
        except OSError:
            return None
        return lambda connection: self._relays.append(_Relay(sock, connection))

    def close(self):
        for relay in self._relays:
            relay.sock.close()
        for listener in self._listeners:
            listener.close()


class _Relay:
    """A socket of this machine and a Connection of the board, joined."""

    def __init__(self, sock, connection):
        self.sock, self._connection = sock, connection
        self._to_program = bytearray()
        self._program_has_ended = self._end_passed_on = False
        self.is_over = False
        sock.setblocking(False)

    def carry(self):
        """Move what is there, both ways, and the ends of both."""
        connection = self._connection
        self._to_program += connection.take()
        try:
            self._exchange()
        except ConnectionError:
            connection.abort()
        if connection.was_reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if connection.is_closed and (connection.was_reset or not self._to_program):
            self.sock.close()
            self.is_over = True

    def _exchange(self):
        with contextlib.suppress(BlockingIOError):
            if self._to_program:
                del self._to_program[: self.sock.send(self._to_program)]
            if self._connection.board_has_ended and not self._to_program:
                self._pass_end_on()
            if not self._program_has_ended:
                data = self.sock.recv(_CHUNK)
                if data:
                    self._connection.send(data)
                else:
                    self._program_has_ended = True
                    self._connection.close()

    def _pass_end_on(self):
        if not self._end_passed_on:
            self._end_passed_on = True
            self.sock.shutdown(socket.SHUT_WR)
