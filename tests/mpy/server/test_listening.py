"""Where TCPServer and UDPServer listen, and whom they take: errors that say what to do."""

import errno
import socket

from support.tcp import free_port
from support.umb import raises

from umb.port import sockets
from umb.port.hosts import host_filter
from umb.port.listen_errors import cannot_listen
from umb.server.tcp import TCPServer
from umb.server.udp import UDPServer
from umb.umodbus.server.tcp import get_server

_SERVERS = (TCPServer, UDPServer, lambda address: get_server(TCPServer, address))


def refused(server, address):
    """The errno and the sentence of the OSError that server(address) raises."""
    error = raises(OSError, server, address)
    number, text = error.args
    assert number == error.errno and isinstance(number, int)
    assert text in str(error) and "\n" not in text
    start = "cannot listen at {}:{}: ".format(*address)
    assert text.startswith(start), text
    return number, text[len(start) :]


def test_a_port_that_is_taken():
    for server in _SERVERS:
        first, port = free_port(lambda port, server=server: server(("127.0.0.1", port)))
        number, text = refused(server, ("127.0.0.1", port))
        first.server_close()
        assert number == errno.EADDRINUSE
        assert text == "the port is taken: end the program that has it, or choose another port"


def test_a_host_that_is_not_this_device():
    for server in _SERVERS:
        for host in ("192.0.2.1", "::1"):
            number, text = refused(server, (host, 20_000))
            assert number > 0
            assert text.startswith("the host must be an IPv4 address of this device")


def test_a_host_that_nobody_knows():
    for server in _SERVERS:
        number, text = refused(server, ("no.such.host.invalid", 20_000))
        assert number == errno.ENOENT
        assert text.startswith("no such host: give an address of this device")


class Failing:
    """A module socket of which one function raises an error."""

    AF_INET = SOCK_STREAM = SOCK_DGRAM = SOL_SOCKET = SO_REUSEADDR = 0

    def __init__(self, name, error):
        self._name = name
        self._error = error
        self.open = 0

    def _do(self, name):
        if name == self._name:
            raise self._error

    def socket(self, *_):
        self._do("socket")
        self.open += 1
        return self

    def getaddrinfo(self, *_):
        self._do("getaddrinfo")
        return [(0, 0, 0, "", (0, 0))]

    def setsockopt(self, *_):
        self._do("setsockopt")

    def bind(self, _):
        self._do("bind")

    def listen(self, _):
        self._do("listen")

    def setblocking(self, _):
        self._do("setblocking")

    def close(self):
        self.open -= 1


def test_every_function_and_every_number_of_a_port():
    """Whatever fails, the error has the port's number and a sentence, and no socket stays open."""
    steps = ("socket", "getaddrinfo", "setsockopt", "bind", "listen", "setblocking")
    for step in steps:
        for number in tuple(range(1, 140)) + (-1, -2, -202, 1000):
            module = sockets.socket = Failing(step, OSError(number))
            try:
                assert refused(TCPServer, ("10.0.0.5", 502))[0] == number
                if step not in ("setsockopt", "listen"):
                    assert refused(UDPServer, ("10.0.0.5", 502))[0] == number
            finally:
                sockets.socket = socket
            assert module.open == 0, (step, number)


def test_what_to_do_by_number():
    address = ("10.0.0.5", 502)
    for numbers, text in (
        ((errno.EADDRINUSE,), "the port is taken: "),
        ((errno.EACCES, errno.EPERM), "the port is not allowed: choose one from 1024 on"),
        ((-2, -3, -202, errno.ENOENT, "[addrinfo error -2]"), "no such host: "),
        ((errno.ENOMEM, errno.ENOBUFS, 23, 24), "there is no memory, or no socket, left"),
        ((errno.EINVAL, errno.ENODEV, 97, 99, 125, 1234), "the host must be an IPv4 address"),
    ):
        for number in numbers:
            error = cannot_listen(OSError(number), address)
            start = "cannot listen at 10.0.0.5:502: "
            assert error.args[1].startswith(start + text), (number, error)
            assert error.errno == (number if isinstance(number, int) else errno.ENOENT)


# --- allow


class Hosts:
    """A container that cannot be looked through."""

    def __contains__(self, host):
        return host == "127.0.0.3"


def test_allow_takes_containers_of_addresses():
    address = ("127.0.0.1", 0)
    for allow in (
        None,
        (),
        ("10.0.0.5",),
        ["1.0.0.0", "223.255.255.255"],
        {"192.168.1.9"},
        frozenset(("192.168.1.9",)),
        {"192.168.1.9": "a description"},
        Hosts(),
        lambda _: False,
        "".startswith,
    ):
        for server in (TCPServer, UDPServer):
            server(address, allow=allow).server_close()


def test_allow_refuses_what_never_matches():
    """Every kind of host that is no address of a client, alone and among good ones."""
    address = ("127.0.0.1", 20_000)
    for host in (
        "localhost",
        "meter.example.org",
        "10.0.0.*",
        "10.0.0",
        "10.0.0.5.6",
        "10.0..5",
        "10.0.0.",
        "10.0.0.256",
        "10.0.0.05",
        " 10.0.0.5",
        "10.0.0.5 ",
        "10.0.0.5:502",
        "10.0.0.-5",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::ffff:10.0.0.5",
        "",
        b"10.0.0.5",
        ("10.0.0.5", 502),
        None,
        5,
    ):
        for allow in ((host,), [host], ("10.0.0.5", host), {host}, {host: 1}):
            for server in (TCPServer, UDPServer):
                text = str(raises(ValueError, server, address, allow=allow))
                assert text.startswith("allow takes IPv4 addresses of clients"), text
                assert text.endswith("not {!r}: for names give a function".format(host))


def test_allow_refuses_what_is_no_network():
    address = ("127.0.0.1", 20_000)
    for network in ("10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0/8", "/8"):
        text = str(raises(ValueError, TCPServer, address, allow=(network,)))
        assert text == "allow takes networks such as '10.0.0.0/24', not %r" % network, text
    for network in ("10.0.0.5/24", "10.0.0.1/31", "128.0.0.0/0", "192.168.1.0/16"):
        text = str(raises(ValueError, UDPServer, address, allow=("10.0.0.5", network)))
        assert text.startswith("allow: %r has bits set that do not count" % network), text


def test_networks_have_the_hosts_that_they_should():
    """Every length of a network, at its first and last addresses, and right beside it."""

    def text(number):
        return ".".join(str(number >> 8 * k & 0xFF) for k in (3, 2, 1, 0))

    for bits in range(33):
        size = 1 << 32 - bits
        first = 0xC0A8_5A35 // size * size
        allows = host_filter(("10.1.2.3", "{}/{}".format(text(first), bits)))
        for number in (first, first + size - 1, first + size // 2):
            assert allows(text(number)), (bits, text(number))
        for number in (first - 1, first + size):
            assert not 0 <= number < 1 << 32 or not allows(text(number)), (bits, number)
        assert allows("10.1.2.3")
        assert bits == 0 or not allows("10.1.2.4")


def test_allow_refuses_other_kinds():
    address = ("127.0.0.1", 20_000)
    for allow in ("10.0.0.5", b"10.0.0.5", 5, 1.5, object(), (host for host in ("10.0.0.5",))):
        for server in (TCPServer, UDPServer):
            text = str(raises(ValueError, server, address, allow=allow))
            assert text.startswith("allow must be hosts, such as"), text
