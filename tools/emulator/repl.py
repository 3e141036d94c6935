"""The board's raw REPL over its USB serial port: code in, output and traceback out."""

from . import usb

_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
_INTERRUPT, _RAW, _END = b"\x03", b"\x01", b"\x04"
_PUMP_NS = 100_000


class RawRepl:
    """Runs one piece of code at a time on the board behind `cdc`; calls on_done() after each."""

    def __init__(self, cdc, clock, on_done):
        self._cdc, self._on_done = cdc, on_done
        self._alarm = clock.create_alarm(self._transmit)
        self._to_board = bytearray()
        self._from_board = bytearray()
        self._code = b""
        self._stage = None
        self.stdout = self.stderr = b""
        cdc.on_serial_data = self._receive

    @property
    def running(self):
        return self._stage is not None

    def begin(self, code):
        """Send `code`; it has run when `running` is false again."""
        if self.running:
            raise RuntimeError("the board is still running something")
        self._code = code.encode()
        self.stdout = self.stderr = b""
        self._from_board.clear()
        self._stage = self._await_banner
        self._send(b"\r" + _INTERRUPT * 2 + _RAW)

    def reset(self):
        """Soft-reset the interpreter; `running` is false again when it is back."""
        self.begin("")

    def interrupt(self):
        """Raise KeyboardInterrupt in what is running."""
        self._send(_INTERRUPT)

    def abandon(self):
        """Forget the code that was running: the board does not answer any more."""
        self._stage = None
        self._to_board.clear()

    def _send(self, data):
        self._to_board += data
        self._transmit()

    def _transmit(self):
        usb.send(self._cdc, self._to_board)
        if self._to_board:
            self._alarm.schedule(_PUMP_NS)

    def _receive(self, data):
        self._from_board += data
        while self._stage and self._stage():
            pass

    # Each stage takes what it needs from _from_board. Returns whether the next one may do so.

    def _take(self, end):
        """The bytes up to `end`, which is dropped; None if it has not come yet."""
        at = self._from_board.find(end)
        if at < 0:
            return None
        taken = bytes(self._from_board[:at])
        del self._from_board[: at + len(end)]
        return taken

    def _await_banner(self):
        if self._take(_BANNER) is None:
            return False
        # Nothing but the end mark is a soft reset, which shows the banner once more.
        self._stage = self._await_ok if self._code else self._await_reset
        self._send(self._code + _END)
        return True

    def _await_reset(self):
        if self._take(_BANNER) is None:
            return False
        self._finish()
        return False

    def _await_ok(self):
        if self._take(b"OK") is None:
            return False
        self._stage = self._collect_stdout
        return True

    def _collect_stdout(self):
        taken = self._take(_END)
        if taken is None:
            return False
        self.stdout, self._stage = taken, self._collect_stderr
        return True

    def _collect_stderr(self):
        taken = self._take(_END)
        if taken is None:
            return False
        self.stderr = taken
        self._finish()
        return False

    def _finish(self):
        self._stage = None
        self._on_done()
