"""What clients of umb.panel.web can do to a board: connect, and say nothing or nonsense."""

import socket
import time

import pytest

from tests.panel.conftest import Board

_PLACES = 8
_TIMEOUT_S = 1.0


@pytest.fixture(scope="module")
def quick(micropython):
    """A Board that gives clients a second."""
    one = Board(micropython, "quick")
    yield one
    one.end()


def connect(board):
    """Return a socket that is connected to the page."""
    return socket.create_connection(("127.0.0.1", board.port), timeout=10)


def rest(sock):
    """Return what comes until the board closes the connection, or resets it."""
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data


def wait_for_places(board, seconds):
    """Wait until the board answers again."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return board.json("GET", "/counts")[1]
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_silent_clients_give_their_places_back(quick):
    before = quick.json("GET", "/counts")[1]
    silent = [connect(quick) for _ in range(_PLACES)]
    time.sleep(0.1)
    begun = time.monotonic()
    further = connect(quick)
    assert rest(further) == b""  # closed at once
    assert time.monotonic() - begun < _TIMEOUT_S
    refused, turned_away = wait_for_places(quick, 10 * _TIMEOUT_S)
    assert refused == before[0] and turned_away > before[1]
    for one in [*silent, further]:
        one.close()


def test_a_slow_client_is_given_up(quick):
    """Also if it goes on sending, byte by byte."""
    slow = connect(quick)
    begun = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - begun < 10 * _TIMEOUT_S:
            slow.sendall(b"x")
            time.sleep(0.05)
    slow.close()


def test_a_client_that_takes_nothing_is_given_up(quick):
    takes_nothing = [connect(quick) for _ in range(_PLACES)]
    for one in takes_nothing:
        one.sendall(b"GET /endless HTTP/1.0\r\n\r\n")
    time.sleep(0.2)
    wait_for_places(quick, 10 * _TIMEOUT_S)
    for one in takes_nothing:
        one.close()


HEAD = b"POST /login HTTP/1.0\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP\r\n\r\n",
        b"GET / HTTP/1.0 x\r\n\r\n",
        b"\xff / HTTP/1.0\r\n\r\n",
        HEAD + b"no colon\r\n\r\n",
        HEAD + b"x: \xff\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\nxxxxxxxxxxxx",
        HEAD + b"Content-Length: \r\n\r\n",
        HEAD + b"content-length:1e3\r\n\r\n",
        HEAD + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
        HEAD + b"Content-Length: 10\r\n\r\nxxx",
        b"GET /info?view=%zz HTTP/1.0\r\n\r\n",
        b"GET /info?view=%e9 HTTP/1.0\r\n\r\n",
        b"GET /info?% HTTP/1.0\r\n\r\n",
        b"GET /info?%-1=x HTTP/1.0\r\n\r\n",
        b"x" * 100_000,
        b"GET / HTTP/1.0\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
        b"\r\n",
        b"",
    ],
)
def test_what_is_no_request(quick, sent):
    """It is answered with 400, or not at all, and nothing is printed of it."""
    with connect(quick) as sock:
        try:
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the board has heard enough
        assert rest(sock)[:12] in (b"HTTP/1.0 400", b"")
    assert quick.json("GET", "/counts")[0] == 200
    assert quick.service.count("Traceback") == 0, quick.service.lines


def test_requests_in_pieces_are_understood(quick):
    request = b"GET /counts HTTP/1.0\r\nHost: x\r\n\r\n"
    for size in (1, 7, len(request)):
        with connect(quick) as sock:
            for i in range(0, len(request), size):
                sock.sendall(request[i : i + size])
                time.sleep(0.001)
            assert rest(sock).startswith(b"HTTP/1.0 200 OK"), size
