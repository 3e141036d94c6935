"""The emulated Pico's USB serial port as a TCP port, for programs that talk to boards."""

import contextlib
import select
import socket

from . import usb
from .pico import Pico
from .wire import MS

_PORT = 4321  # or, if that is taken, any
_SLICE_NS = 2 * MS
_CHUNK = 256


class ResettablePico(Pico):
    """A Pico that may be reset by what runs on it, watchdog included."""

    def _boot(self):
        self.resets = 0
        trigger = self.mcu.watchdog.on_watchdog_trigger

        def reset():
            self.resets += 1
            emulated, self.mcu.pio = self.mcu.pio, self._pio  # a reset needs the PIO blocks
            trigger()
            self.mcu.pio = emulated
            self.was_reset()

        self.mcu.watchdog.on_watchdog_trigger = reset
        super()._boot()

    def was_reset(self):
        """Have what is beside the chip notice that its pins are at rest."""


class UsbPort:
    """`url` is the port; one program at a time. `text` is all that the board has printed."""

    def __init__(self, pico):
        self.pico = pico
        self._cdc = pico._device.cdc
        self._cdc.on_serial_data = self._printed
        try:
            self._listener = socket.create_server(("127.0.0.1", _PORT))
        except OSError:
            self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"
        self._client = None
        self._to_board = bytearray()
        self.text = bytearray()

    def _printed(self, data):
        self.text += data
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.sendall(data)

    def serve(self, ended):
        """Let the board run and carry bytes until ended() is true."""
        while not ended():
            self.pico.run_for(_SLICE_NS)
            self.carry()

    def carry(self):
        """Move bytes, and let programs connect and disconnect; the board's time stands still."""
        usb.send(self._cdc, self._to_board)
        sockets = [one for one in (self._listener, self._client) if one is not None]
        for sock in select.select(sockets, [], [], 0)[0]:
            if sock is self._listener:
                self._hang_up()
                self._client, _ = sock.accept()
            else:
                self._receive()

    def _receive(self):
        data = b""
        with contextlib.suppress(OSError):
            data = self._client.recv(_CHUNK)
        self._to_board += data
        if not data:
            self._hang_up()

    def _hang_up(self):
        if self._client is not None:
            self._client.close()
            self._client = None

    def close(self):
        self._hang_up()
        self._listener.close()
