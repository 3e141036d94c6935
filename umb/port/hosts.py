"""Which clients a server takes: its parameter `allow`. Loaded where one is given."""


def host_filter(allow):
    """Return the parameter `allow` of a server as a function of the host.

    Raises ValueError if it is neither a container nor a function, and for a host in it that is no
    IPv4 address: clients are known by their addresses, so that none would ever match.
    """
    if callable(allow):
        return allow
    if isinstance(allow, (str, bytes)) or hasattr(allow, "__next__"):
        # A part of a text is not a host, and an iterator could be looked through only once.
        raise _refusal(allow)
    try:
        for host in allow:
            _check(host)
    except TypeError:
        if not hasattr(allow, "__contains__"):
            raise _refusal(allow)
    return lambda host: host in allow


def _refusal(allow):
    return ValueError(
        "allow must be hosts, such as ('10.0.0.5',), or a function, not %r" % (allow,)
    )


def _check(host):
    """Raise ValueError unless this is the address of a client, written as sockets have it."""
    numbers = host.split(".") if isinstance(host, str) else ()
    good = len(numbers) == 4
    for number in numbers:
        good = good and number.isdigit() and number == str(int(number)) and int(number) < 256
    if not (good and 0 < int(numbers[0]) < 224):
        raise ValueError(
            "allow takes IPv4 addresses of clients, such as '10.0.0.5', not %r: for names and"
            " networks give a function" % (host,)
        )
