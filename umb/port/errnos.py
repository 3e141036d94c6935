"""What an errno means of a connection, in words: why there is none."""

from errno import ECONNREFUSED, ECONNRESET, ENOENT, ETIMEDOUT, errorcode


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
    return errorcode.get(number, "error %d" % number)
