"""The board's USB serial port as a TCP socket, for programs that know boards by their port."""

import contextlib
import select
import socket
import subprocess
import time

from .wire import MS

_SLICE_NS = MS
_CHUNK = 4096
_NAP_S = 0.002  # while neither side sends


class Port:
    """`address` is what mpremote takes for the board's port; nobody else may talk to it then.

    The board runs only while call() does, as everywhere on this bench.
    """

    def __init__(self, pico):
        self._pico, self._cdc = pico, pico._device.cdc
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._client = None
        self._to_board, self._from_board = bytearray(), bytearray()
        self._before, self._cdc.on_serial_data = self._cdc.on_serial_data, self._from_board.extend
        self.address = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def call(self, command, timeout_s, **named):
        """Run a program while the board runs too; returns what it printed, as one text.

        Raises CalledProcessError if it fails, TimeoutExpired if it does not end.
        """
        ends = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        deadline_s = time.monotonic() + timeout_s
        with subprocess.Popen(command, **ends, text=True, **named) as program:
            while program.poll() is None:
                if time.monotonic() > deadline_s:
                    program.kill()
                    raise subprocess.TimeoutExpired(command, timeout_s, program.stdout.read())
                self._pico.run_for(_SLICE_NS)
                if not self._carry():
                    select.select([self._client or self._listener], [], [], _NAP_S)
            printed = program.stdout.read()
        if program.returncode:
            raise subprocess.CalledProcessError(program.returncode, command, printed)
        return printed

    def close(self):
        """Give the port back to the bench."""
        self._cdc.on_serial_data = self._before
        self._hang_up()
        self._listener.close()

    def _hang_up(self):
        if self._client is not None:
            self._client.close()
            self._client = None

    def _carry(self):
        """Move bytes both ways, as many as there is room for. Returns whether there were any."""
        with contextlib.suppress(BlockingIOError):
            client, _ = self._listener.accept()
            self._hang_up()
            self._client = client
            self._client.setblocking(False)
        moved = 0
        if self._client is None:
            self._from_board.clear()  # no program is connected
        else:
            moved = self._exchange()
        fifo = self._cdc.tx_fifo  # drops what does not fit
        room = fifo.size - fifo.item_count
        for byte in self._to_board[:room]:
            self._cdc.send_serial_byte(byte)
        del self._to_board[:room]
        return moved + len(self._to_board)

    def _exchange(self):
        """Send and receive what the socket takes and has. Returns how many bytes."""
        sent = 0
        try:
            if self._from_board:
                sent = self._client.send(self._from_board)
                del self._from_board[:sent]
            data = self._client.recv(_CHUNK)
        except ConnectionError:
            data = b""
        except BlockingIOError:
            return sent
        self._to_board += data
        if not data:
            self._hang_up()
        return sent + len(data)
