"""What an errno means of a connection, in words: why there is none."""

from errno import ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENOENT, ETIMEDOUT, errorcode

from micropython import const

_OF_LINUX = const(113)  # EHOSTUNREACH, in the numbering that all ports but esp32 have

# The module errno has no names for these: ENETDOWN, ENETUNREACH, EADDRNOTAVAIL.
_NETWORK_DOWN, _NETWORK_UNREACHABLE, _NO_ADDRESS = (
    (100, 101, 99) if EHOSTUNREACH == _OF_LINUX else (115, 114, 125)
)


def failure(number) -> str:
    """Return why there is no connection, by the errno of an OSError; 0: the program closed it."""
    if number == 0:
        return "closed meanwhile"
    if not isinstance(number, int) or number < 0 or number == ENOENT:  # as getaddrinfo has it
        return "no such host"
    if number == ECONNREFUSED:
        return "refused"
    if number == ECONNRESET:
        return "the other side closed it"
    if number == ETIMEDOUT:
        return "timed out"
    if number == EHOSTUNREACH:
        return "the host cannot be reached: is it switched on?"
    if number in (_NETWORK_UNREACHABLE, _NO_ADDRESS, _NETWORK_DOWN):
        return "there is no network that leads to it"
    return errorcode.get(number, "error %d" % number)
