"""A UART whose far end is always ready: no time passes on it, and it costs no heap."""


class Wire:
    """What may be read is `said`, once it is asked for by say(), or by any write() with `replies`.

    Times do not matter here: it is like umb.port.tty in that write() returns at once.
    """

    exact_times = False

    def __init__(self, said, replies=False):
        self.said = said
        self.written = 0  # characters that were sent,
        self.sent = bytearray(520)  # and which, since the last say()
        self._replies = replies
        self._at = len(said)

    def say(self):
        """Let it come."""
        self._at = 0
        self.written = 0

    def any(self):
        return len(self.said) - self._at

    def readinto(self, buf, n):
        for i in range(n):
            buf[i] = self.said[self._at + i]
        self._at += n
        return n

    def write(self, buf, at, n):
        if self._replies:
            self.say()
        for i in range(n):
            self.sent[self.written + i] = buf[at + i]
        self.written += n
        return n

    def txdone(self):
        return True
