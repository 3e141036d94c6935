"""The time of day, asked of a time server (SNTP, RFC 4330), without waiting for it."""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

from umb.port.sockets import datagrams

_PORT = const(123)
_TIMEOUT_MS = const(2000)
_LOOK_MS = const(20)
_SIZE = const(48)  # bytes of a request and of an answer
_REQUEST = b"\x1b" + bytes(_SIZE - 1)  # version 3, client
_UNSYNCHRONISED = const(3)  # the leap indicator of a server that does not know the time itself
_FIRST_WAIT_S = const(15)  # after an attempt in vain; it doubles with each one
_LONGEST_WAIT_S = const(3600)
_SERVER = const(4)  # the mode of an answer
_TRANSMITTED = const(40)  # where in it the time stands, in seconds since 1900
_FROM_1900 = 2_208_988_800  # until 1970
_ERA = 1 << 32  # the seconds wrap, in 2036


async def ask(host):
    """Return the seconds since 1970 that a host says. Raises OSError if it does not answer."""
    sock = datagrams((host, _PORT) if isinstance(host, str) else host)
    try:
        sock.send(_REQUEST)
        began_ms = ticks_ms()
        while ticks_diff(ticks_ms(), began_ms) < _TIMEOUT_MS:
            await asyncio.sleep_ms(_LOOK_MS)
            answer = _receive(sock)
            if answer is not None:
                return seconds_of(answer)
    finally:
        sock.close()
    raise OSError("%s tells no time" % (host,))


def _receive(sock):
    """Return a datagram, None if there is none yet, or the host refuses."""
    try:
        return sock.recv(_SIZE)
    except OSError:
        return None


def seconds_of(answer):
    """Return the seconds since 1970 in an answer. Raises OSError if it is none."""
    good = len(answer) >= _SIZE and answer[0] & 7 == _SERVER and answer[1]
    if not good or answer[0] >> 6 == _UNSYNCHRONISED:
        raise OSError("this is no time")
    seconds = int.from_bytes(answer[_TRANSMITTED : _TRANSMITTED + 4], "big")
    if seconds < 1 << 31:
        seconds += _ERA
    return seconds - _FROM_1900


def wait_s(attempts):
    """Return for how long not to ask after so many attempts in vain.

    A board stands still while it looks up a name. Where there is nobody to look it up, as in a
    network of machines alone, that must not happen again and again.
    """
    return min(_FIRST_WAIT_S << min(attempts - 1, 10), _LONGEST_WAIT_S)
