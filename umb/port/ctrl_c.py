"""send(): give the main program a Ctrl-C that MicroPython raised within a scheduled function.

MicroPython raises KeyboardInterrupt wherever it is then, and drops what scheduled functions raise.
So the character is sent once more, as if another terminal had received it.
"""

import os
from io import IOBase

from micropython import const

_CTRL_C = const(3)


class _Terminal(IOBase):
    """A terminal that has received Ctrl-C."""

    def readinto(self, buf):
        buf[0] = _CTRL_C
        return 1

    def write(self, buf):
        return len(buf)

    def ioctl(self, request, argument):
        return 0


def send():
    """Have KeyboardInterrupt raised at the next jump, which has to be one of the main program.

    Raises it where os has no dupterm_notify(), as on stm32 and samd.
    """
    if not hasattr(os, "dupterm_notify"):
        raise KeyboardInterrupt
    before = os.dupterm(_Terminal())
    os.dupterm_notify(None)
    os.dupterm(before)
