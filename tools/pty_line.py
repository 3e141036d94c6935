"""A serial line without hardware: two pseudo-terminals joined back to back."""

import contextlib
import os
import select
import threading
import tty


class PtyLine:
    """Two ends, server_path and client_path; what is written to one is read from the other.

    Both ends are raw and are kept open here, so that closing one is no hang-up at the other.
    Bytes that no program reads are dropped when the terminal's own buffer is full.
    """

    def __init__(self):
        self.server_path, self.client_path = "", ""
        self._masters = ()
        self._descriptors = []
        self._thread = threading.Thread(target=self._carry, name="pty line", daemon=True)

    def __enter__(self):
        """Open both ends and start carrying bytes."""
        (near, self.server_path), (far, self.client_path) = self._open(), self._open()
        self._masters = (near, far)
        wake, self._stop = os.pipe()
        self._wake = wake
        self._descriptors += [wake, self._stop]
        self._thread.start()
        return self

    def __exit__(self, *exc):
        """Hang up both ends."""
        os.write(self._stop, b"x")
        self._thread.join()
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _open(self):
        master, slave = os.openpty()
        self._descriptors += [master, slave]
        tty.setraw(slave)
        os.set_blocking(master, False)
        return master, os.ttyname(slave)

    def _carry(self):
        near, far = self._masters
        other = {near: far, far: near}
        poll = select.poll()
        for descriptor in (near, far, self._wake):
            poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._wake:
                    return
                with contextlib.suppress(BlockingIOError):
                    os.write(other[descriptor], os.read(descriptor, 4096))
