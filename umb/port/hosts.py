"""Which clients a server takes: its parameter `allow`. Loaded where one is given."""

_BITS = 32  # of an address


def host_filter(allow):
    """Return the parameter `allow` of a server as a function of the host.

    Raises ValueError if it is neither a container nor a function, and for a host in it that is no
    IPv4 address and no network: clients are known by their addresses, so that none would match.
    """
    if callable(allow):
        return allow
    if isinstance(allow, (str, bytes)) or hasattr(allow, "__next__"):
        # A part of a text is not a host, and an iterator could be looked through only once.
        raise _refusal(allow)
    networks = []  # (address, its bits that do not count)
    try:
        for host in allow:
            if isinstance(host, str) and "/" in host:
                networks.append(_network(host))
            else:
                _check(host)
    except TypeError:
        if not hasattr(allow, "__contains__"):
            raise _refusal(allow)
    if networks:
        return lambda host: host in allow or _is_in(networks, _number(host))
    return lambda host: host in allow


def _refusal(allow):
    return ValueError(
        "allow must be hosts, such as ('10.0.0.5',), or a function, not %r" % (allow,)
    )


def _check(host):
    """Raise ValueError unless this is the address of a client, written as sockets have it."""
    if _number(host) >> 24 not in range(1, 224):
        raise ValueError(
            "allow takes IPv4 addresses of clients, such as '10.0.0.5', and networks, such as"
            " '10.0.0.0/24', not %r: for names give a function" % (host,)
        )


def _network(text):
    """Return a network such as '10.0.0.0/24' as (address, bits that do not count)."""
    address, _, bits = text.partition("/")
    number = _number(address)
    if number < 0 or not (bits.isdigit() and bits == str(int(bits)) and int(bits) <= _BITS):
        raise ValueError("allow takes networks such as '10.0.0.0/24', not %r" % (text,))
    free = _BITS - int(bits)
    if number >> free << free != number:
        raise ValueError(
            "allow: %r has bits set that do not count: give a network such as '10.0.0.0/24', or a"
            " single address without /%s" % (text, bits)
        )
    return number, free


def _is_in(networks, number):
    for address, free in networks:
        if number >> free == address >> free:
            return True
    return False


def _number(host):
    """Return an IPv4 address as a number, -1 if it is none, written as sockets have it."""
    parts = host.split(".") if isinstance(host, str) else ()
    number = 0
    for part in parts:
        if not (part.isdigit() and part == str(int(part)) and int(part) < 256):
            return -1
        number = number << 8 | int(part)
    return number if len(parts) == 4 else -1
