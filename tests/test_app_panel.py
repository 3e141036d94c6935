"""The page of the application, in its roles, on the unix port."""

import json
import os
import socket
import time
from http.client import HTTPException

import pytest

from tests.support.device import Device, wait_until
from tests.support.service import MAIN, Service, dev, free_port
from tests.support.web import PASSWORD, PageClient
from tools.board_libraries import folder


class Page(PageClient):
    """A client of the page of a Device."""

    def __init__(self, device, port):
        super().__init__(port)
        self.device = device


def open_page(micropython, folder_of_device, settings, *arguments):
    """Return the Page of a new Device, signed in."""
    port = free_port()
    os.environ["MICROPYPATH"] = f"{folder('microdot')}:.frozen"
    try:
        words = (f"--panel={port}", "--panel-password", PASSWORD, *arguments)
        page = Page(Device(micropython, folder_of_device, settings, *words), port)
    finally:
        del os.environ["MICROPYPATH"]
    page.device.slave.wait_for(page.url)
    wait_until(lambda: _answers(page))
    assert page.sign_in() == 200
    return page


def _answers(page):
    try:
        return page.json("GET", "/info")[0] == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def page(micropython, tmp_path_factory):
    """The page of remote I/O."""
    one = open_page(
        micropython,
        tmp_path_factory.mktemp("panel"),
        {
            "name": "Pump house",
            "outputs": [0, {"pin": 1, "invert": True}, None, 3],
            "inputs": [8, 9],
            "analogues": [{"pin": 16, "scale": [-100, 400]}],
            "pwms": [{"pin": 20, "full": 1000}],
            "ssid": "plant",
            "password": "water tower",
            "ap_password": "fire bucket",
            "previous": {"baudrate": 9600},
        },
    )
    yield one
    one.device.end()


def named(page, text):
    """Return (number, point) of the point whose name begins with a text."""
    points = page.json("GET", "/points")[1]
    (found,) = [(i, one) for i, one in enumerate(points) if one["name"].startswith(text)]
    return found


def test_overview(page):
    _, info = page.json("GET", "/info")
    about = dict(info["about"])
    assert about["Name"] == "Pump house" and about["Role"] == "io"
    assert info["views"] == ["points", "buses", "settings"]
    assert [bus["name"] for bus in info["buses"]][-1] == "Network"


def test_pins_are_points(page):
    points = page.json("GET", "/points")[1]
    assert [one["name"] for one in points] == [
        "output 0, pin 0",
        "output 1, pin 1",
        "output 3, pin 3",
        "input 0, pin 8",
        "input 1, pin 9",
        "analogue 0, pin 16",
        "pwm 0, pin 20",
    ]
    assert [one["writable"] for one in points] == [True] * 3 + [False] * 3 + [True]


def test_an_output_is_switched_and_seen_by_a_client(page):
    for name, coil in (("output 0", 0), ("output 1", 1), ("output 3", 3)):
        i, _ = named(page, name)
        for value in (1, 0):
            assert page.json("POST", "/points", {"number": i, "value": value}) == (200, {})
            assert page.device.coils(coil, 1) == [value]
            assert named(page, name)[1]["value"] == value


def test_analogues_and_pwms(page):
    page.device.write(16, 0, slave_id=99)
    assert named(page, "analogue")[1]["value"] == -100
    i, point = named(page, "pwm")
    assert point["max_value"] == 1000
    assert page.json("POST", "/points", {"number": i, "value": 250}) == (200, {})
    assert page.device.ask("read_holding_registers", 32, count=1) == [250]
    assert page.json("POST", "/points", {"number": i, "value": 1001})[0] == 409
    i, _ = named(page, "input 0")
    assert page.json("POST", "/points", {"number": i, "value": 1})[0] == 409


def test_what_a_pin_cannot_be_is_told_with_what_it_takes(page):
    for name, wanted in (
        ("output 0", "outputs take whole numbers from 0 to 1, not "),
        ("pwm 0", "pwms take whole numbers from 0 to 1000, not "),
        ("input 0", "an input cannot be written"),
        ("analogue 0", "an input cannot be written"),
    ):
        i, _ = named(page, name)
        for value in (1.5, -1, 1001, 65536, "x", None, [1], {}):
            status, answer = page.json("POST", "/points", {"number": i, "value": value})
            assert status == 409 and answer["error"].startswith(wanted), (name, value)


def test_what_registers_begin_with_is_there(page):
    """The first addresses of each area can be read, and as many of them as there are, up to 10."""
    _, info = page.json("GET", "/info")
    quantities = []
    for code, (address, quantity) in enumerate(info["areas"], 1):
        quantities.append(quantity)
        body = bytes((info["slave_id"], code, address >> 8, address & 255, 0, quantity))
        assert page.ask("POST", "/pdu", body)[2][0] == code
    assert quantities == [4, 2, 10, 1]


def test_settings_keep_their_secrets(page):
    _, settings = page.json("GET", "/settings")
    assert settings["values"]["name"] == "Pump house"
    assert "password" not in settings["values"]
    assert "water tower" not in json.dumps(settings)
    assert "fire bucket" not in json.dumps(settings)
    values = dict(settings["values"], name="Pump house 2")
    assert page.json("POST", "/settings", values) == (200, {"problems": []})
    saved = page.device.saved()
    assert saved["name"] == "Pump house 2" and saved["password"] == "water tower"
    assert saved["ap_password"] == "fire bucket"


def test_every_setting_has_a_rule_that_is_told(page):
    rules = {rule["key"]: rule for rule in page.json("GET", "/settings")[1]["rules"]}
    assert rules["baudrate"]["least"] == 300
    assert rules["parity"]["choices"] == ["N", "E", "O"]
    assert rules["password"]["secret"] is True
    for key in ("outputs", "de", "led", "panel"):
        assert rules[key]["kind"] == "json"
    assert "password, port" in rules["panel"]["help"]


def test_what_the_board_keeps_in_its_file_for_itself(page):
    """The old format of its line, while it tries a new one."""
    kept = page.device.saved()["previous"]
    assert kept == {"baudrate": 9600}
    _, settings = page.json("GET", "/settings")
    assert "previous" not in settings["values"]
    assert "previous" not in {rule["key"] for rule in settings["rules"]}
    for given in ({}, {"previous": {"baudrate": 300}}):
        values = dict(settings["values"], **given)
        assert page.json("POST", "/settings", values) == (200, {"problems": []})
        assert page.device.saved()["previous"] == kept


def test_passwords_can_be_removed(page):
    values = page.json("GET", "/settings")[1]["values"]
    page.json("POST", "/settings", dict(values, panel={"port": 80, "password": ""}))
    assert page.json("POST", "/settings", dict(values, password="")) == (200, {"problems": []})
    saved = page.device.saved()
    assert saved["password"] == "" and saved["ap_password"] == "fire bucket"


def test_saved_settings_are_counted_and_what_cannot_be_saved_is_told(page):
    """JSON has no infinite numbers, and a list of points is looked into when it is loaded."""
    before = page.device.ask("read_input_registers", 124, count=1)
    values = page.json("GET", "/settings")[1]["values"]
    assert page.json("POST", "/settings", values) == (200, {"problems": []})
    assert page.device.ask("read_input_registers", 124, count=1) == [before[0] + 1]
    saved = page.device.saved()
    for points in (
        '[{"scale": 1e999}]',
        "[" * 2000 + "]" * 2000,
    ):
        polled = [{"slave_id": 7, "points": "here"}]
        text = json.dumps({"role": "poller", "ssid": "plant", "devices": polled})
        status, answer = page.json("POST", "/settings", text.replace('"here"', points).encode())
        assert status == 507 and "not saved" in answer["error"], answer
        assert page.device.saved() == saved


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"baudrate": 1}, "baudrate must be a number, 300 to 4000000"),
        ({"parity": "X"}, "parity must be"),
        ({"outputs": [77]}, "outputs[0]"),
        ({"nonsense": 1}, "unknown setting"),
        ({"panel": {"port": 0}}, "panel.port"),
        ({"panel": {"port": 80}}, "nobody would reach this page"),
        ({"panel": {"password": "in clear text"}}, "panel.password"),
    ],
)
def test_settings_that_cannot_be_are_not_saved(page, values, text):
    before = page.device.saved()
    status, answer = page.json("POST", "/settings", values)
    assert status == 200 and any(text in problem for problem in answer["problems"])
    assert page.device.saved() == before


def test_restart(page):
    assert page.json("POST", "/restart", {}) == (200, {})
    page.device.slave.wait_for("restarting")
    page.device.slave.wait_for("Ctrl-C")
    wait_until(lambda: _answers(page))
    assert dict(page.json("GET", "/info")[1]["about"])["Name"].startswith("Pump house")


def test_who_may_not_ask_gets_no_page(micropython, tmp_path):
    """The settings allow and read_only hold for the page as they do for clients of Modbus."""
    port = free_port()
    os.environ["MICROPYPATH"] = f"{folder('microdot')}:.frozen"
    settings = {"allow": ["10.1.2.3"], "rtu": False}
    device = Device(micropython, tmp_path, settings, f"--panel={port}")
    del os.environ["MICROPYPATH"]
    try:
        device.slave.wait_for(f"http://127.0.0.1:{port}/")
        with pytest.raises((ConnectionError, HTTPException)):
            Page(device, port).json("GET", "/info")
        device.slave.wait_for("127.0.0.1 was refused")
    finally:
        device.end()


def test_read_only_points_cannot_be_written(micropython, tmp_path):
    one = open_page(micropython, tmp_path, {"outputs": [0], "inputs": [8], "read_only": True})
    try:
        assert [point["writable"] for point in one.json("GET", "/points")[1]][:2] == [False, False]
        status, answer = one.json("POST", "/points", {"number": 0, "value": 1})
        assert status == 409 and "read_only" in answer["error"]
        assert named(one, "output 0")[1]["value"] == 0
    finally:
        one.device.end()


def test_a_gateway(micropython, tmp_path, pty_pair):
    one = open_page(
        micropython, tmp_path, {}, "--role", "gateway", "--serial", pty_pair.server_path
    )
    try:
        _, info = one.json("GET", "/info")
        assert "gateway" in info["views"] and "points" not in info["views"]
        assert [client.partition(":")[0] for client in info["gateway"]["clients"]] == ["127.0.0.1"]
        assert [bus["name"] for bus in info["buses"]] == ["UART 0", "Network"]
        assert info["slave_id"] == 1  # the first one behind it
    finally:
        one.device.end()


@pytest.fixture
def slave(micropython, tmp_path, pty_pair):
    """Slave 7, remote I/O on a serial line; its line's other end is pty_pair.client_path."""
    (tmp_path / "slave").mkdir()
    device = Device(
        micropython,
        tmp_path / "slave",
        {"slave_id": 7, "parity": "N"},
        *("--serial", pty_pair.server_path),
    )
    yield device
    device.end()


def test_what_a_gateway_tells_of_the_slaves_behind_it(micropython, tmp_path, pty_pair, slave):
    """A client and the page ask; slave 8 is not there, and register 5000 of slave 7 is not."""
    (tmp_path / "gateway").mkdir()
    one = open_page(
        micropython,
        tmp_path / "gateway",
        {"role": "gateway", "parity": "N", "slave_id": 247, "timeout_ms": 200},
        *("--serial", pty_pair.client_path),
    )
    try:
        device = one.device
        for _ in range(3):
            assert len(device.ask("read_input_registers", 100, count=2, slave_id=7)) == 2
        assert device.ask("read_holding_registers", 5000, count=1, slave_id=7) == -2
        assert device.ask("read_coils", 0, count=1, slave_id=8) == -11
        request = bytes((7, 4, 0, 100, 0, 2))
        assert len(one.ask("POST", "/pdu", request)[2]) == 6
        assert device.ask("read_coils", 0, count=1, slave_id=247) == -2  # it has none itself
        _, info = one.json("GET", "/info?view=gateway")
        seven, eight = info["gateway"]["slaves"]
        assert (seven["id"], seven["name"], seven["state"]) == (7, "UART 0", "online")
        assert (seven["requests"], seven["answers"], seven["exceptions"]) == (5, 5, 1)
        assert 0 < seven["last_ms"] <= seven["worst_ms"] < 200
        assert (eight["id"], eight["state"], eight["timeouts"]) == (8, "offline", 1)
        assert info["gateway"]["queue"] == 0
        assert info["slave_id"] == 7  # that answers
        line, network = one.json("GET", "/info?view=buses")[1]["buses"]
        assert [slave["id"] for slave in line["slaves"]] == [7, 8]
        newest, oldest = line["errors"]
        assert (newest["who"], newest["asked"]) == ("slave 8", "FC 1 at 0 x 1")
        assert (oldest["who"], oldest["asked"]) == ("slave 7", "FC 3 at 5000 x 1")
        assert newest["age_s"] <= oldest["age_s"] < 60
        (own,) = network["errors"]
        assert (own["who"], own["asked"], own["status"]) == ("127.0.0.1", "FC 1 at 0 x 1", 2)
        assert ["Requests to slaves", 6] in line["counters"]
        assert line["health"] == "ok"  # slave 8 was never there
        slave.end()
        assert device.ask("read_coils", 0, count=1, slave_id=7) == -11
        assert one.json("GET", "/info?view=overview")[1]["buses"][0]["health"] == "offline: 7"
    finally:
        one.device.end()


@pytest.mark.usefixtures("slave")
def test_what_a_poller_tells_of_its_devices(micropython, tmp_path, pty_pair):
    """Slave 7 refuses point "none", and slave 8 is not there."""
    (tmp_path / "poller").mkdir()
    points = [
        {"name": "uptime", "address": 100, "input_type": "input", "data_type": "uint32"},
        {"name": "none", "address": 5000},
    ]
    devices = [
        {"name": "remote", "slave_id": 7, "points": points, "interval_ms": 200},
        {"name": "away", "slave_id": 8, "points": points[:1], "interval_ms": 200},
    ]
    one = open_page(
        micropython,
        tmp_path / "poller",
        {"role": "poller", "parity": "N", "slave_id": 100, "timeout_ms": 200, "devices": devices},
        *("--serial", pty_pair.client_path),
    )

    def line():
        return one.json("GET", "/info?view=buses")[1]["buses"][0]

    try:
        wait_until(lambda: [slave["state"] for slave in line()["slaves"]] == ["online", "offline"])
        shown = line()
        assert (shown["name"], shown["health"]) == ("UART 0", "offline: away")
        remote, away = shown["slaves"]
        assert remote["name"] == "remote" and 0 < remote["last_ms"] <= remote["worst_ms"]
        assert "last_ms" not in away and away["timeouts"]
        errors = {(error["who"], error["asked"], error["status"]) for error in shown["errors"]}
        assert ("slave 7", "FC 3 at 5000 x 1", 2) in errors
        assert ("slave 8", "FC 4 at 100 x 2", -2) in errors
    finally:
        one.device.end()


def test_wrong_frames_on_a_line_that_is_served(micropython, tmp_path, pty_pair):
    one = open_page(
        micropython, tmp_path, {"outputs": [0], "parity": "N"}, "--serial", pty_pair.server_path
    )
    try:
        with open(pty_pair.client_path, "wb", buffering=0) as line:
            for _ in range(3):
                line.write(b"\x01\x03\x00\x00\x00\x01\x55\x55")
                time.sleep(0.3)
        wait_until(lambda: "errors" in one.json("GET", "/info")[1]["buses"][0])
        wait_until(lambda: one.json("GET", "/info")[1]["buses"][0]["errors"])
        time.sleep(2)
        (error,) = one.json("GET", "/info")[1]["buses"][0]["errors"]
        assert error["status"] == 0 and error["times"] == 3
    finally:
        one.device.end()


def test_requests_of_the_page_are_printed_as_those_of_others_are(micropython, tmp_path):
    one = open_page(micropython, tmp_path, {"outputs": [0], "rtu": False}, "--verbose")
    try:
        assert one.ask("POST", "/pdu", bytes((1, 1, 0, 0, 0, 1)))[0] == 200
        one.device.slave.wait_for("id 1  read coils 0 x 1  -> 0")
        assert one.json("POST", "/points", {"number": 0, "value": 1}) == (200, {})
        one.device.slave.wait_for("write coil 0 = 1  ok")
    finally:
        one.device.end()


def test_a_port_that_is_taken_is_one_line(micropython):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        service = Service([micropython, MAIN, "--port", free_port(), f"--panel={port}"])
        assert service.process.wait(30) == 2
        service.wait_for(f"cannot listen at 127.0.0.1:{port}: the port is taken")
    assert "Traceback" not in "\n".join(service.lines)


def test_dev_py_run_panel():
    port, http = free_port(), free_port()
    running = dev("run", "--port", str(port), f"--panel={http}")
    try:
        running.wait_for(f"a page for browsers on http://127.0.0.1:{http}/")
        page = Page(None, http)
        wait_until(lambda: _answers(page))
        assert page.json("GET", "/info")[1]["can_sign_in"] is False
    finally:
        running.end()
