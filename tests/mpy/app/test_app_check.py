"""Whatever is in the file of settings: what is taken is possible, and what is not is named."""

import json
import os
import random

import vfs
from support import every_nth, spread
from support.app import BOARDS, chip, use

from app import config
from app.application import Application
from app.check import Checked, rules_of
from app.hardware import Hardware
from app import loading
from umb.port.hosts import host_filter

_PATH = "/ram/umb.json"
_BLOCK = 512
LISTS = ("outputs", "inputs", "analogues", "pwms")
boards = {}
UTF_16 = b"\xff\xfe" + b"\0".join(bytes((byte,)) for byte in b'{"slave_id": 7}') + b"\0"
DEEP = b"[" * 3000 + b"]" * 3000


class Disk:
    """A block device in memory."""

    def __init__(self):
        self._data = bytearray(_BLOCK * 128)

    def readblocks(self, block, buf, offset=0):
        at = block * _BLOCK + offset
        buf[:] = self._data[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        at = block * _BLOCK + offset
        self._data[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        return {4: 128, 5: _BLOCK}.get(op, 0)


def with_disk(call):
    """Call call() with an empty disk at /ram."""
    disk = Disk()
    vfs.VfsLfs2.mkfs(disk)
    vfs.mount(vfs.VfsLfs2(disk), "/ram")
    try:
        call()
    finally:
        vfs.umount("/ram")


def put(data):
    with open(_PATH, "wb") as file:
        file.write(data)


def check(raw, name="RPI_PICO"):
    """The Checked of a dict, which has to be possible on that board."""
    if name not in boards:
        boards[name] = use(name)
    board = boards[name]
    checked = Checked(raw, board)
    assert_possible(checked.settings, board, raw)
    for what, instead in checked.problems:
        assert what and instead and len(what) < 220, what
    return checked


def what_is_wrong(raw, name="RPI_PICO"):
    return [what for what, _ in check(raw, name).problems]


def is_int(value, low, high):
    return type(value) is int and low <= value <= high


def assert_possible(settings, board, why):
    """Every rule of boards/README.md, looked at again."""
    assert is_int(settings["slave_id"], 1, 247), why
    assert is_int(settings["baudrate"], 300, 4_000_000), why
    assert settings["parity"] in ("N", "E", "O"), why
    assert is_int(settings["stop"], 1, 2), why
    assert is_int(settings["failsafe_s"], 0, 65535), why
    assert is_int(settings["watchdog_s"], 0, 8), why
    assert settings["rtu"] in (True, False), why
    assert isinstance(settings["name"], str) and len(settings["name"].encode()) <= 64, why
    assert settings["uart"] in board.UARTS, why
    assert ("ssid" in settings) == bool(board.NETWORK), why
    if board.NETWORK:
        assert_possible_network(settings, why)
    used = [settings["tx"], settings["rx"]] if settings["rtu"] else []
    for key in ("de", "led"):
        point = settings[key]
        if point:
            assert set(point) == {"pin", "invert"} and point["invert"] in (True, False), why
            if key == "led" or settings["rtu"]:
                used.append(point["pin"])
    assert settings["role"] in ("io", "gateway", "poller"), why
    for name in LISTS if settings["role"] == "io" else ():
        assert len(settings[name]) <= 32, why
        for point in settings[name]:
            if point:
                used.append(point["pin"])
                assert_point(name, point, board, why)
    assert len(used) == len(set(used)), why
    for pin in used:
        assert pin in board.PINS or pin in board.ANALOGUE_PINS, why
        assert pin not in board.TAKEN, why


def assert_possible_network(settings, why):
    assert is_int(settings["tcp_port"], 1, 65535), why
    assert is_int(settings["idle_timeout_s"], 0, 65535), why
    assert is_int(settings["udp_port"], 0, 65535), why
    assert is_int(settings["rtu_tcp_port"], 0, 65535), why
    assert settings["read_only"] in (True, False), why
    assert settings["settings"] in ("open", "locked"), why
    if settings["allow"] is not None:
        host_filter(settings["allow"])
    for key, most in (("ssid", 32), ("password", 63), ("hostname", 32)):
        assert isinstance(settings[key], str) and len(settings[key].encode()) <= most, why


def assert_point(name, point, board, why):
    if name == "outputs":
        assert point["invert"] in (True, False) and point["safe"] in (0, 1, "hold"), why
    elif name == "inputs":
        assert point["invert"] in (True, False) and point["pull"] in board.PULLS, why
    elif name == "analogues":
        scale = point["scale"]
        assert scale is None or (
            len(scale) == 2 and scale[0] != scale[1] and is_int(scale[0], -32768, 65535)
        ), why
        assert point["pin"] in board.ANALOGUE_PINS, why
    else:
        assert is_int(point["freq"], *board.PWM_HZ), why
        assert point["full"] == 65535 or is_int(point["full"], 1, 16000), why
        assert point["safe"] == "hold" or is_int(point["safe"], 0, point["full"]), why
    if name in ("outputs", "pwms"):
        assert point["pin"] not in board.INPUT_ONLY, why


def test_the_boards_own_are_possible():
    for name in BOARDS:
        assert check({}, name).problems == []


# Values of every type, and such as are nearly right.
VALUES = [None, True, False, 0, 1, -1, 2, 3, 7, 8, 16, 17, 23, 26, 29, 247, 248, 300, 19200]
VALUES += [65536, 10**12, -(10**40), 1.0, 0.5, 1e30, float("inf"), -float("inf")]
VALUES += ["", "N", "E", "O", "hold", "up", "down", "none", "LED", "A0", "temperature", "26"]
VALUES += ["a" * 33, "a" * 5000, "192.168.0.10", "256.1.1.1", "1.2.3", "255.255.255.0", "a b"]
VALUES += ["-x", "\x00", "Gr\u00fc\u00dfe", "\U0001f6b0" * 20, [], {}, [[]], [1, 2], [-5, 5]]
VALUES += [["x", None], [0, 0], [1, 2, 3], {"pin": 6}, {"pin": None}, {"pin": 6, 1: 2}, {None: 1}]
VALUES += [{1: {2: 3}}, {"pin": 7, "invert": True, "safe": 1}, {"pin": 14, "pull": "none"}]
VALUES += [{"pin": {}}, {"pin": 26, "scale": [0, 330]}, {"pin": [1]}, {"pin": 6, "colour": "red"}]
VALUES += [
    {"pin": 16, "full": 100, "safe": 100, "freq": 50},
    {"pin": 16, "full": "x", "safe": 1e9},
]
KEYS = ["slave_id", "name", "rtu", "baudrate", "parity", "stop", "uart", "tx", "rx", "de", "led"]
KEYS += [
    "role",
    "previous",
    "tcp_port",
    "udp_port",
    "rtu_tcp_port",
    "bind",
    "allow",
    "read_only",
    "settings",
    "idle_timeout_s",
    "ssid",
    "password",
    "hostname",
    "network",
    "ap_password",
    "address",
    "netmask",
    "gateway",
]
KEYS += ["outputs", "inputs", "analogues", "pwms", "failsafe_s", "watchdog_s"]
KEYS += ["colour", "", 0, 1, None, True, 1.5, -1]


def test_every_value_for_every_key_on_every_board():
    """Without --long each on a part of the boards, which is another one for the next value."""
    names = sorted(BOARDS)
    for i, key in enumerate(KEYS):
        for j, value in enumerate(VALUES):
            for name in every_nth(names, 6, i + j):
                check({key: value}, name)
                if key in LISTS:
                    check({key: [value, 6, value]}, name)


def test_several_of_them_at_once():
    random.seed(7)
    names = sorted(BOARDS)
    for _ in spread(range(3000), 1000):
        raw = {}
        for _ in range(random.randint(1, 8)):
            value = random.choice(VALUES)
            if random.randint(0, 3) == 0:
                value = [random.choice(VALUES) for _ in range(random.randint(0, 40))]
            raw[random.choice(KEYS)] = value
        check(raw, random.choice(names))


def test_it_starts_with_all_of_them():
    """With every pin of the board refusing now and then, too."""
    random.seed(8)
    names = sorted(BOARDS)
    for _ in range(300):
        board = use(random.choice(names))
        raw = {}
        for _ in range(12):
            value = random.choice(VALUES)
            if random.randint(0, 1) == 0:
                value = [random.choice(VALUES) for _ in range(random.randint(0, 32))]
            raw[random.choice(KEYS)] = value
        raw.pop("tcp_port", None)
        raw.pop("ssid", None)
        raw.pop("role", None)  # test_app_roles has those of the others
        checked = Checked(raw, board)
        chip.uart_refuses = chip.pwm_refuses = (random.randint(0, 28), random.randint(0, 28))
        problems = [what for what, _ in checked.problems]
        said = []
        one = Application(board, Hardware(), checked.settings, problems, config, said.append)
        chip.uart_refuses = tuple(pin for pin in chip.uart_refuses if pin != board.TX)
        one.open()
        assert len(one.drivers) == checked.settings["rtu"]
        one.keeper.update()
        one.keeper.close()
        one.close()
    chip.uart_refuses = chip.pwm_refuses = ()


def test_more_problems_than_memory():
    found = what_is_wrong({"unknown%d" % n: n for n in range(3000)})
    assert len(found) == 41
    assert found[-1] == "there are more such settings"
    led = {"x%d" % n: n for n in range(500)}
    led["pin"] = 25
    found = what_is_wrong({"led": led})
    assert len(found) == 41


def load(board):
    """load(), which may not raise, and what it returns has to be possible."""
    settings, problems, note = loading.load(board, _PATH)
    assert_possible(settings, board, problems)
    return settings, problems, note


def test_what_the_found_files_do():
    board = use("RPI_PICO")

    def look():
        for text, wrong in (
            (b'{"slave_id": 5, "inputs": [{"pin": 3, 1: 2}]}', "inputs[0]: unknown setting 1"),
            (
                b'{"slave_id": 5, "inputs": [{"pin": 3, null: 2}]}',
                "inputs[0]: unknown setting null",
            ),
            (b'{"slave_id": 5, null: 1}', "unknown setting null"),
            (b'{"slave_id": 5, 7: 1}', "unknown setting 7"),
            (b'{"slave_id": 5, true: 1, "x": 2}', "unknown setting true"),
            (b'{"slave_id": 5, "x": ' + DEEP + b"}", 'unknown setting "x"'),
            (b'{"slave_id": 5, "de": ' + DEEP + b"}", "de: the pin cannot be what is too long"),
            (b'{"slave_id": 5, "led": {"pin": ' + DEEP + b"}}", "led: the pin cannot be"),
            (b'{"slave_id": 5, "name": ' + DEEP + b"}", "name must be"),
            (b'{"slave_id": 5, "stop": ' + b"9" * 3000 + b"}", "stop must be"),
            (b'{"slave_id": 5, "stop": 1e999}', "stop must be"),
        ):
            put(text)
            settings, problems, _ = load(board)
            assert settings["slave_id"] == 5, text
            assert [problem for problem in problems if problem.startswith(wrong)], problems

    with_disk(look)


def notices_a_missing_end():
    """Whether this MicroPython's json does: before 1.26 it takes "{" for an object."""
    try:
        json.loads("{")
    except ValueError:
        return True
    return False


def test_files_that_are_torn():
    board = use("RPI_PICO")

    def look():
        for data in (b"{", b'{"slave_id": 7', b'{"a":' * 3000):
            put(data)
            settings, problems, _ = load(board)
            assert problems or not notices_a_missing_end(), data[:40]
            assert settings["slave_id"] == (1 if problems else settings["slave_id"])

    with_disk(look)


def test_files_that_are_no_object():
    board = use("RPI_PICO")

    def look():
        for data in (
            b"",
            b"null",
            b"42",
            b'"text"',
            b"[]",
            b"}",
            b'{"slave_id": 7}}',
            b"{[1]: 2}",
            b'{"a": nul}',
            DEEP,
            b"[" * 3000,
            bytes(4096),
            b"\xff" * 4096,
            b'\xef\xbb\xbf{"slave_id": 7}',
            UTF_16,
            b'{"name": "\xfc"}',
            b'{"\xff\xfe": 1}',
        ):
            put(data)
            settings, problems, note = load(board)
            assert problems, data[:40]
            assert note is None
            assert settings["slave_id"] == 1
        os.remove(_PATH)
        assert load(board)[1:] == ([], "there is no {}: defaults hold".format(_PATH))
        os.mkdir(_PATH)
        assert load(board)[1][0].startswith("the file cannot be used (")

    with_disk(look)


def test_files_with_random_errors():
    """Bytes changed, left out, doubled, in a file that uses every setting."""
    random.seed(9)
    text = json.dumps(
        {
            "slave_id": 5,
            "name": "pump",
            "uart": 1,
            "tx": 4,
            "rx": 5,
            "de": {"pin": 3, "invert": True},
            "outputs": [6, {"pin": 7, "invert": True, "safe": "hold"}, None],
            "inputs": [{"pin": 14, "pull": "none"}],
            "analogues": [{"pin": 26, "scale": [0, 330]}],
            "pwms": [{"pin": 10, "freq": 500, "full": 1000, "safe": 5}],
            "failsafe_s": 30,
            "led": None,
        }
    ).encode()
    board = use("RPI_PICO")

    def look():
        put(text)
        assert load(board)[1] == []
        for _ in range(1500):
            data = bytearray(text)
            for _ in range(random.randint(1, 4)):
                at = random.randint(0, len(data) - 1)
                what = random.randint(0, 3)
                if what == 0:
                    data[at] = random.randint(0, 255)
                elif what == 1:
                    data = data[:at] + data[at + random.randint(1, 9) :]
                elif what == 2:
                    data = data[:at] + data[at : at + 9] + data[at:]
                else:
                    data[at] = b'{}[]",:0-'[random.randint(0, 8)]
                if not data:
                    break
            put(data)
            load(board)

    with_disk(look)


# A pin has one use.


def test_pins_that_are_used_twice_are_named_with_both_uses():
    for raw, wrong in (
        ({"tx": 1}, "tx: the pin 1 is none of UART 0, which has 0, 12, 16, 28"),
        ({"tx": 3}, "tx: the pin 3 is none of UART 0, which has 0, 12, 16, 28"),
        ({"rx": 0}, "rx: the pin 0 is none of UART 0, which has 1, 13, 17"),
        ({"uart": 1}, "tx: the pin 0 is none of UART 1, which has 4, 8, 20"),
        ({"uart": 2}, "uart must be 0 or 1, not 2"),
        ({"de": 0}, "de: the pin 0 is tx already"),
        ({"de": {"pin": 1}}, "de: the pin 1 is rx already"),
        ({"outputs": [0]}, "outputs[0]: the pin 0 is tx already"),
        ({"inputs": [2]}, "inputs[0]: the pin 2 is de already"),
        ({"outputs": [6, 6]}, "outputs[1]: the pin 6 is outputs[0] already"),
        ({"outputs": [6], "inputs": [6]}, "outputs[0]: the pin 6 is inputs[0] already"),
        ({"outputs": [26], "analogues": [26]}, "outputs[0]: the pin 26 is analogues[0] already"),
        ({"pwms": [10], "inputs": [10]}, "pwms[0]: the pin 10 is inputs[0] already"),
        ({"led": 6, "outputs": [6]}, "led: the pin 6 is outputs[0] already"),
        ({"outputs": [23]}, "outputs[0]: the pin 23 is wired to the power supply"),
        ({"outputs": [99]}, "outputs[0]: the pin cannot be 99"),
    ):
        assert what_is_wrong(raw) == [wrong], raw


def test_pins_of_the_network_chip():
    for name in ("RPI_PICO_W", "RPI_PICO2_W"):
        for pin in (23, 24, 25, 29):
            for key in ("outputs", "inputs", "pwms"):
                wrong = ["%s[0]: the pin %d is wired to the radio" % (key, pin)]
                assert what_is_wrong({key: [pin]}, name) == wrong
            assert what_is_wrong({"de": pin}, name) == [
                "de: the pin %d is wired to the radio" % pin
            ]
    for name in ("ESP32_GENERIC", "ESP8266_GENERIC"):
        wrong = "inputs[0]: the pin 6 is wired to the flash"
        assert what_is_wrong({"inputs": [6]}, name) == [wrong]


def test_where_every_pin_can_be_the_lines():
    name = "ESP32_GENERIC"
    assert check({"tx": 19, "rx": 18, "outputs": []}, name).problems == []
    for raw, wrong in (
        ({"tx": 16}, "rx: the pin 16 is tx already"),
        ({"rx": 17}, "rx: the pin 17 is tx already"),
        ({"tx": 34}, "tx: the pin 34 is an input only"),
        ({"tx": 4}, "de: the pin 4 is tx already"),
        ({"tx": 6}, "tx: the pin 6 is wired to the flash"),
        ({"uart": 0}, "uart must be 1 or 2, not 0"),
        ({"de": 35}, "de: the pin 35 is an input only"),
        ({"outputs": [36]}, "outputs[0]: the pin 36 is an input only"),
    ):
        assert what_is_wrong(raw, name) == [wrong], raw
    settings = check({"tx": 16}, name).settings
    assert (settings["uart"], settings["tx"], settings["rx"]) == (2, 17, 16)
    assert check({"rx": 34, "analogues": []}, name).settings["rx"] == 34


def test_what_a_setting_names_is_taken_from_the_defaults():
    settings = check({"outputs": [14, 26], "de": None}).settings
    assert [point and point["pin"] for point in settings["outputs"]] == [14, 26]
    assert settings["inputs"][0] is None
    assert settings["inputs"][1]["pin"] == 15
    assert settings["analogues"][0] is None
    assert settings["de"] is None


def test_without_a_line_its_pins_are_free():
    checked = check({"rtu": False, "outputs": [0, 1, 2]})
    assert checked.problems == []
    assert [point["pin"] for point in checked.settings["outputs"]] == [0, 1, 2]


def test_a_part_without_what_it_needs_is_left_out_with_one_message():
    wanted = "mqtt.host must be a text of 1 to 253 bytes, "
    for value, wrong in (
        ({}, wanted + "and is missing"),
        ({"port": 1883}, wanted + "and is missing"),
        ({"port": "x", "colour": 1}, wanted + "and is missing"),
        ({"host": ""}, wanted + 'not ""'),
        ({"host": None}, wanted + "not null"),
        ({"host": 5}, wanted + "not 5"),
        ({"host": "x" * 254}, wanted + "not "),
        (5, "mqtt must be an object, not 5"),
        ([], "mqtt must be an object, not []"),
        ("10.0.0.1", 'mqtt must be an object, not "10.0.0.1"'),
    ):
        checked = check({"mqtt": value}, "RPI_PICO_W")
        assert checked.settings["mqtt"] is None, value
        (found,) = checked.problems
        assert found[0].startswith(wrong) and found[1] == "it is left out", (value, found)
    for value in ({"host": "10.0.0.1"}, {"host": "broker.local", "port": 1}):
        checked = check({"mqtt": value}, "RPI_PICO_W")
        assert checked.problems == []
        assert checked.settings["mqtt"]["host"] == value["host"]
    assert check({"mqtt": None}, "RPI_PICO_W").problems == []
    assert check({"panel": {}}, "RPI_PICO_W").settings["panel"]["port"] == 80
    assert check({"panel": 5}, "RPI_PICO_W").settings["panel"]["port"] == 80


def test_a_role_has_defaults_of_its_own_for_what_is_refused_as_well():
    for role, default in (("io", 1), ("gateway", 247), ("poller", 1), ("else", 1)):
        assert check({"role": role}, "RPI_PICO_W").settings["slave_id"] == default
        for value in VALUES:
            checked = check({"role": role, "slave_id": value}, "RPI_PICO_W")
            told = [pair for pair in checked.problems if pair[0].startswith("slave_id")]
            if is_int(value, 1, 247):
                assert checked.settings["slave_id"] == value and not told
            else:
                assert checked.settings["slave_id"] == default, (role, value)
                assert [instead for _, instead in told] == ["%d is used" % default]
        assert len(told) == 1
        rules = rules_of(boards["RPI_PICO_W"], checked.settings)
        told = [rule["default"] for rule in rules if rule["key"] == "slave_id"]
        assert told == [default], role


def test_what_holds_instead_is_true():
    for raw, instead in (
        ({"slave_id": 300}, "1 is used"),
        ({"tx": 3}, "UART 0, tx 0 and rx 1 are used"),
        ({"de": 0}, "2 is used"),
        ({"led": 6, "outputs": [6]}, "25 is used"),
        ({"led": 99, "outputs": [25]}, "there is none"),
        ({"outputs": [99]}, "it is left out"),
        ({"outputs": 6}, "the board's own are used"),
        ({"colour": 1}, "it is ignored"),
        ({"ssid": "home"}, "it is ignored"),
    ):
        assert [one for _, one in check(raw).problems] == [instead], raw
    assert check({"de": 0}).settings["de"]["pin"] == 2
    assert check({"led": 99, "outputs": [25]}).settings["led"] is None


# Names and addresses.


def test_passwords_and_names_for_the_network():
    def wrong(**raw):
        found = what_is_wrong(raw, "RPI_PICO_W")
        assert len(found) < 2
        return found[0] if found else ""

    assert wrong(password="1234567").startswith("password must be a text of 8 to 63 bytes, not")
    assert not wrong(password="")
    assert not wrong(password="12345678")
    assert not wrong(password="x" * 63)
    assert wrong(password="x" * 64)
    assert not wrong(password="Gr\u00fc\u00dfe1")
    for name in ("", "pump", "Pump-7", "7", "x" * 32):
        assert not wrong(hostname=name)
    for name in ("a b", "-a", "a-", "a_b", "a.b", "S\u00fcd", "x" * 33, "a\0"):
        assert wrong(hostname=name).startswith("hostname must be"), name
    assert wrong(ssid="x" * 33) and not wrong(ssid="\u6c34" * 10)
    for address in (
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.-4",
        "1.2.3.x",
        "1..2.3",
        " 1.2.3.4",
    ):
        assert wrong(address=address), address
    assert not wrong(address="")
    assert wrong(netmask="")
