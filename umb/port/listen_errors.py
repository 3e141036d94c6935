"""Why a server cannot listen, and what to do. Loaded when a port has raised an OSError."""

from errno import EACCES, EADDRINUSE, ENOBUFS, ENOENT, ENOMEM, EPERM

from micropython import const

_ENFILE = const(23)  # the module errno has no names for these, of Unix machines
_EMFILE = const(24)


def cannot_listen(error, address):
    """Return the OSError to raise in place of `error`, one of the port: with a sentence.

    address   the (host, port) where a server is to listen

    Its errno is that of `error`. If a port gave a text instead of a number, as the unix
    port's getaddrinfo does for a host that it does not know, that is ENOENT.
    """
    number = error.errno
    if not isinstance(number, int):
        number = ENOENT
    text = "cannot listen at %s:%d: %s" % (address[0], address[1], _reason(number))
    return OSError(number, text)


def _reason(number):
    """Return what an errno means here, and what to do."""
    if number == EADDRINUSE:
        return "the port is taken: end the program that has it, or choose another port"
    if number in (EACCES, EPERM):
        return "the port is not allowed: choose one from 1024 on, such as 5020"
    if number < 0 or number == ENOENT:  # negative: codes of getaddrinfo
        return "no such host: give an address of this device, or 0.0.0.0 for all that it has"
    if number in (ENOMEM, ENOBUFS, _ENFILE, _EMFILE):
        return "there is no memory, or no socket, left: close what is not needed"
    return "the host must be an IPv4 address of this device, or 0.0.0.0 for all that it has"
