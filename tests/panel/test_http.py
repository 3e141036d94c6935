"""What the page asks for, over HTTP: PDUs, points, events, settings, and who may do what."""

import gzip
import json
import re
import time
from hashlib import sha256
from http.client import HTTPConnection

import pytest
from pymodbus.client import ModbusTcpClient

from tests.panel.conftest import Board
from tests.support.web import PASSWORD

READS = {1, 2, 3, 4, 7, 11, 12, 17, 20, 24}


# --- the page


def test_page_is_sent_once(board):
    status, headers, body = board.ask("GET", "/")
    assert status == 200
    assert headers["Content-Encoding"] == "gzip" and headers["Content-Type"].startswith(
        "text/html"
    )
    assert len(body) <= 12 * 1024
    assert gzip.decompress(body).startswith(b"<!doctype html>")
    tag = {"If-None-Match": headers["ETag"]}
    status, headers, body = board.ask("GET", "/", headers=tag)
    assert (status, body) == (304, b"")


def test_page_loads_nothing_and_runs_its_own_script_only(board):
    _, headers, body = board.ask("GET", "/")
    page = gzip.decompress(body).decode()
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for tag in ("script", "style"):
        texts = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(texts) == page.count(f"<{tag}") == 1
        digest = sha256(texts[0].encode()).digest()
        encoded = __import__("base64").b64encode(digest).decode()
        assert f"{tag}-src 'sha256-{encoded}'" in policy
    assert not re.search(r"(src|href)=.?(https?:)?//", page)
    assert headers["X-Content-Type-Options"] == "nosniff"


# --- PDUs


def test_pdu_reaches_the_server(board):
    assert board.pdu(1, [4, 0, 0, 0, 2]) == (200, b"\x04\x04\x43\x66\x00\x00")
    assert board.pdu(255, [6, 0, 10, 0, 50]) == (200, bytes([6, 0, 10, 0, 50]))
    with ModbusTcpClient("127.0.0.1", port=board.modbus) as client:
        assert client.read_holding_registers(10, count=1, device_id=1).registers == [50]
    assert board.pdu(1, [3, 0, 99, 0, 1]) == (200, b"\x83\x02")
    assert board.pdu(9, [3, 0, 10, 0, 1]) == (200, b"\x83\x0b")  # nobody has this slave id


@pytest.mark.parametrize("who", ["signed in", "nobody", "read-only", "other site"])
def test_who_may_send_which_function_code(board, read_only, who):
    one = read_only if who == "read-only" else board
    named = {
        "signed in": {},
        "nobody": {"cookie": None},
        "read-only": {},
        "other site": {"origin": "http://example.com"},
    }[who]
    for code in range(256):
        status, body = one.pdu(1, [code, 0, 10, 0, 1], **named)
        if who == "other site":
            assert status == 403, code
        elif who == "signed in" or code in READS or (code == 8 and body[:1] in b"\x08\x88"):
            assert status == 200, code
        else:
            assert status == 401, code


def test_counters_are_read_by_everybody_and_cleared_by_nobody(board):
    for sub in range(22):
        status, _ = board.pdu(1, [8, 0, sub, 0, 0], cookie=None)
        assert status == (200 if sub == 0 or 11 <= sub <= 18 else 401), sub


def test_everybody_reads_the_identification_and_sends_nothing_to_canopen(board):
    for kind in range(256):
        status, _ = board.pdu(1, [43, kind, 1, 0], cookie=None)
        assert status == (200 if kind == 14 else 401), kind


def test_pdu_of_every_length(board):
    for n in [0, 1, *range(2, 256, 23), 254, 255, 256, 300]:
        status, _, body = board.ask("POST", "/pdu", bytes([1, 3] + [0] * 400)[:n])
        if 2 <= n <= 254:
            assert status == 200 and body[0] == (0x83 if n != 6 else body[0]), n
        else:
            assert status == 400 and b"2 to 254" in body, n


# --- origin


@pytest.mark.parametrize(
    "origin", [None, "null", "http://example.com", "http://127.0.0.1", "http://127.0.0.1:1"]
)
@pytest.mark.parametrize("path", ["pdu", "points", "settings", "restart", "login", "logout"])
def test_foreign_origin_changes_nothing(board, origin, path):
    body = b"\x01\x05\x00\x03\xff\x00" if path == "pdu" else {"number": 4, "value": 1, "name": "x"}
    status, _, answer = board.ask("POST", "/" + path, body, origin=origin)
    assert status == 403 and b"another site" in answer
    assert board.json("GET", "/points")[1][4]["value"] == 0
    assert board.json("GET", "/settings")[0] == 200  # still signed in


@pytest.mark.parametrize("method", ["post", "Post", "POST"])
def test_a_method_in_other_letters_is_the_same(board, method):
    write = b"\x01\x05\x00\x03\xff\x00"
    assert board.ask(method, "/pdu", write, cookie=None)[0] == 401
    assert board.ask(method, "/pdu", write, origin="http://example.com")[0] == 403
    assert board.json("GET", "/points")[1][4]["value"] == 0


def test_what_is_not_there(board):
    for method, path in (
        ("GET", "/pdu"),
        ("GET", "/login"),
        ("GET", "/restart"),
        ("POST", "/"),
        ("POST", "/info"),
        ("POST", "/events"),
        ("GET", "/nothing"),
        ("GET", "/info/"),
    ):
        assert board.ask(method, path)[0] == 404, (method, path)


# --- points


def test_points_are_described(board):
    status, points = board.json("GET", "/points")
    assert status == 200
    by_name = {point["name"]: point for point in points}
    assert list(by_name) == [
        "voltage",
        "count",
        "setpoint",
        "gain",
        "relay",
        "alarm",
        "automatic",
        "label",
    ]
    assert by_name["voltage"]["value"] == 230.0
    assert by_name["voltage"]["unit_of_measurement"] == "V"
    assert by_name["setpoint"]["max_value"] == 100 and by_name["setpoint"]["writable"]
    kinds = [by_name[name]["kind"] for name in ("setpoint", "relay", "automatic", "label")]
    assert kinds == ["number", "switch", "switch", "text"]


@pytest.mark.parametrize(
    ("number", "value", "registers"),
    [
        (2, 21.5, (10, [43])),
        (2, 100, (10, [200])),
        (3, -1.5, (11, [0, 0xBFC0])),
        (6, 1, (13, [8])),
        (6, 0, (13, [0])),
        (7, "Fan", (20, [0x4661, 0x6E00])),
    ],
)
def test_writing_a_point(board, number, value, registers):
    assert board.json("POST", "/points", {"number": number, "value": value}) == (200, {})
    address, wanted = registers
    count = 8 if address == 20 else len(wanted)  # a point is read as a whole
    with ModbusTcpClient("127.0.0.1", port=board.modbus) as client:
        got = client.read_holding_registers(address, count=count, device_id=1).registers
    assert got == wanted + [0] * (count - len(wanted))
    assert board.json("GET", "/points")[1][number]["value"] == value


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"number": 2, "value": 100.5}, 409, "100"),
        ({"number": 2, "value": "hot"}, 409, "'hot'"),
        ({"number": 2, "value": None}, 409, "None"),
        ({"number": 7, "value": "much longer than eight registers"}, 409, "label"),
        ({"number": 4, "value": 2}, 409, "relay"),
        ({"number": 6, "value": 7}, 409, "automatic"),
        ({"number": 0, "value": 1}, 409, "voltage"),
        ({"number": 8, "value": 1}, 404, "no such point"),
        ({"number": -1, "value": 1}, 404, "no such point"),
        ({"number": "2", "value": 1}, 400, "number"),
        ([1], 400, "number"),
        (None, 400, "number"),
    ],
)
def test_what_a_point_cannot_be(board, body, status, text):
    before = board.json("GET", "/points")[1][2:]
    got, answer = board.json("POST", "/points", body)
    assert got == status and text in answer["error"]
    assert board.json("GET", "/points")[1][2:] == before


def test_broken_json(board):
    headers = {"Content-Type": "application/json"}
    for path in ("/points", "/login", "/settings"):
        for body in (b"", b"{", b"\xff", b"nul", b"[" * 500):
            status, _, answer = board.ask("POST", path, body, headers=headers)
            assert status == 400 and json.loads(answer)["error"], (path, body)


def test_an_infinite_value_is_none(board):
    """JSON has no number for it, and a browser takes nothing of what has one."""
    events = next_viewer(board)
    events.next()
    for value in (0x7F80, 0xFF80, 0x7FC0):
        assert board.pdu(1, [16, 0, 11, 0, 2, 4, 0, 0, value >> 8, value & 255])[0] == 200
        assert board.json("GET", "/points")[1][3]["value"] is None
    while [3, None, ""] not in events.next():
        pass
    board.pdu(1, [16, 0, 11, 0, 2, 4, 0, 0, 0, 0])
    while [3, 0.0, ""] not in events.next():
        pass
    events.close()


# --- events


class Events:
    """A stream of server-sent events."""

    def __init__(self, board):
        self.connection = HTTPConnection("127.0.0.1", board.port, timeout=20)
        self.connection.request("GET", "/events")
        self.stream = self.connection.getresponse()

    def next(self):
        """Return the next list of changes, None at the end of the stream."""
        while True:
            line = self.stream.readline()
            if not line:
                return None
            if line.startswith(b"data: "):
                return json.loads(line[6:])

    def close(self):
        self.stream.close()
        self.connection.close()


def test_events_bring_all_values_and_then_what_changes(board):
    events = next_viewer(board)
    first = events.next()
    assert [change[0] for change in first] == list(range(8))
    board.pdu(1, [5, 0, 3, 0xFF, 0])
    for _ in range(20):
        changes = events.next()
        assert {change[0] for change in changes} <= {1, 4}
        if [4, 1, ""] in changes:
            break
    else:
        raise AssertionError("the relay was not told")
    board.pdu(1, [5, 0, 3, 0, 0])
    events.close()


def next_viewer(board):
    """Return a new Viewer as soon as there is room for it: others that left make it."""
    deadline = time.monotonic() + 15
    while True:
        one = Events(board)
        if one.stream.status == 200:
            return one
        assert one.stream.status == 503
        one.close()
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_further_viewer_is_refused_until_another_one_leaves(board):
    viewers = [next_viewer(board) for _ in range(3)]
    assert all(one.next() for one in viewers)
    for _ in range(5):
        status, answer = board.json("GET", "/events")
        assert status == 503 and "too many browsers" in answer["error"]
    assert all(one.next() for one in viewers)  # those go on
    viewers.pop(0).close()
    viewers.append(next_viewer(board))
    assert all(one.next() for one in viewers)
    for one in viewers:
        one.close()


# --- settings


def test_settings_are_for_those_who_signed_in(board):
    assert board.json("GET", "/settings", cookie=None)[0] == 401
    assert board.json("POST", "/settings", {}, cookie=None)[0] == 401
    assert board.json("POST", "/restart", {}, cookie=None)[0] == 401
    status, settings = board.json("GET", "/settings")
    assert status == 200 and settings["values"]["baudrate"] == 19200
    assert board.json("POST", "/settings", {"baudrate": 12345})[1] == {
        "problems": ["baudrate 12345 is not possible"]
    }
    assert board.json("GET", "/settings")[1]["values"]["baudrate"] == 19200
    changed = {"name": "Demo", "baudrate": 9600}
    assert board.json("POST", "/settings", changed) == (200, {"problems": []})
    assert board.json("GET", "/settings")[1]["values"] == changed
    status, answer = board.json("POST", "/settings", {"name": "full"})
    assert status == 507 and answer["error"] == "the settings were not saved: no space left"
    assert board.json("GET", "/settings")[1]["values"] == changed
    assert board.json("POST", "/restart", {}) == (200, {})
    board.service.wait_for("restart")


# --- sessions


def test_wrong_passwords_are_slowed_down_and_counted(micropython):
    one = Board(micropython)
    try:
        assert one.sign_in("wrong horse") == 403
        begin = time.monotonic()
        assert one.sign_in() == 403  # the right one, but too soon
        _, info = one.json("GET", "/info")
        assert info["refused_sign_ins"] == 2 and not info["signed_in"]
        while one.sign_in() != 200:
            time.sleep(0.1)
            assert time.monotonic() - begin < 20
        assert time.monotonic() - begin > 0.9  # of a clock with whole seconds
        assert one.json("GET", "/info")[1]["signed_in"]
    finally:
        one.end()


def test_cookie_is_for_this_page_only(board):
    _, headers, _ = board.ask("POST", "/login", {"password": PASSWORD}, cookie=None)
    cookie = headers["Set-Cookie"]
    assert "; HttpOnly" in cookie and "; SameSite=Strict" in cookie and "; Path=/" in cookie
    assert len(cookie.partition(";")[0]) >= len("umb_session=") + 32


@pytest.mark.parametrize(
    "value", ["", "x", "0" * 32, "é", "\N{SNOWMAN}".encode().decode("latin-1")]
)
def test_made_up_session(board, value):
    # What is no text, microdot does not take for a request.
    assert board.ask("GET", "/settings", cookie="umb_session=" + value)[0] in (400, 401)


def test_signing_out_ends_the_session(board):
    old = board.cookie
    assert board.sign_in() == 200
    assert board.json("POST", "/logout", {}, cookie=board.cookie)[0] == 200
    assert board.json("GET", "/settings", cookie=board.cookie)[0] == 401
    board.cookie = old
    assert board.json("GET", "/settings")[0] == 200


def test_the_fifth_session_ends_the_first(micropython):
    one = Board(micropython)
    try:
        cookies = []
        for _ in range(5):
            assert one.sign_in() == 200
            cookies.append(one.cookie)
        got = [one.json("GET", "/settings", cookie=cookie)[0] for cookie in cookies]
        assert got == [401, 200, 200, 200, 200]
    finally:
        one.end()


def test_read_only(read_only):
    assert read_only.sign_in() == 403
    assert read_only.json("GET", "/info")[1]["can_sign_in"] is False
    status, answer = read_only.json("POST", "/points", {"number": 4, "value": 1})
    assert status == 401 and "read-only" in answer["error"]
    assert read_only.json("GET", "/settings")[0] == 401


def test_a_second_panel_below_a_prefix(board):
    assert board.ask("GET", "/other/")[0] == 200
    assert board.json("GET", "/other/info")[1]["views"] == []
    assert board.ask("GET", "/other/points")[0] == 404
