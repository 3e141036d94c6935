"""What has come of the file of settings is kept: it is used only if it is of this very file."""

import json
import random
import sys

import vfs
from support.app import BOARDS, Restart, chip, use

from app import loading
from app import main as main_module
from app import start as start_module
from app.check import Checked
from umb.fast import copy

_PATH = "/ram/umb.json"
_KEPT = _PATH + ".checked"
_BLOCK = 512
_BLOCKS = 64
FILES = (
    {"slave_id": 7},
    {"role": "gateway", "line2": {"uart": 1, "tx": 4, "rx": 5}, "routes": [{"line": 2}]},
    {"outputs": [6, {"pin": 7, "safe": "hold"}], "analogues": [{"pin": 26, "scale": [0, 330]}]},
    {"slave_id": 900, "outputs": [6, 6, "no"], "what": None, "led": None},
    {"name": "Pumpe \u00fc", "previous": {"slave_id": 3}},
)


class PowerCut(Exception):
    """The board's power went."""


class Flash:
    """A block device whose power goes after so many writes and erasures."""

    def __init__(self):
        self.data = bytearray(b"\xff" * (_BLOCK * _BLOCKS))
        self.left = 1 << 30

    def _spend(self):
        if self.left <= 0:
            raise PowerCut
        self.left -= 1

    def readblocks(self, block, buf, offset=0):
        copy(buf, 0, self.data, block * _BLOCK + offset, len(buf))

    def writeblocks(self, block, buf, offset=0):
        self._spend()
        copy(self.data, block * _BLOCK + offset, buf, 0, len(buf))

    def ioctl(self, op, arg):
        if op == 6:
            self._spend()
        return {4: _BLOCKS, 5: _BLOCK}.get(op, 0)


class NoCheck:
    """In the place of app.check: nobody may need it."""

    def __init__(self):
        raise AssertionError("it was checked again")


def on_disk(call, flash=None, kind=vfs.VfsLfs2):
    """What call() returns with a disk at /ram."""
    if flash is None:
        flash = Flash()
        kind.mkfs(flash)
    vfs.mount(kind(flash), "/ram")
    try:
        return call()
    finally:
        try:
            vfs.umount("/ram")
        except (OSError, PowerCut):
            pass


def put(path, data):
    with open(path, "wb") as file:
        file.write(data)


def get(path):
    with open(path, "rb") as file:
        return file.read()


def load_unchecked(board):
    """What load() returns where nothing can be checked."""
    there = sys.modules["app.check"]
    sys.modules["app.check"] = NoCheck
    try:
        return loading.load(board, _PATH)
    finally:
        sys.modules["app.check"] = there


def wanted(raw, board):
    checked = Checked(raw, board)
    return checked.settings, ["{}: {}".format(*one) for one in checked.problems], None


def test_it_is_checked_once():
    def look():
        for name in sorted(BOARDS):
            board = use(name)
            for raw in FILES:
                put(_PATH, json.dumps(raw).encode())
                assert loading.load(board, _PATH) == wanted(raw, board)
                assert loading.keep(board, _PATH)
                assert not loading.keep(board, _PATH)
                assert load_unchecked(board) == wanted(raw, board)

    on_disk(look)


def test_any_change_of_anything_is_checked():
    board = use("RPI_PICO")
    random.seed(3)

    def look():
        for raw in FILES:
            good = json.dumps(raw).encode()
            put(_PATH, good)
            assert loading.keep(board, _PATH)
            kept = get(_KEPT)
            for _ in range(40):
                at = random.randint(0, len(kept) - 1)
                put(
                    _KEPT,
                    kept[:at] + bytes((kept[at] ^ 1 << random.randint(0, 7),)) + kept[at + 1 :],
                )
                assert loading.load(board, _PATH) == wanted(raw, board), at
                put(_KEPT, kept[:at])
                assert loading.load(board, _PATH) == wanted(raw, board), at
            put(_KEPT, kept)
            put(_PATH, good + b" ")
            assert loading.keep(board, _PATH)

    on_disk(look)


def test_another_board_and_other_versions():
    def look():
        raw = {"outputs": [6, 7]}
        put(_PATH, json.dumps(raw).encode())
        for key, value in (
            ("NAME", "another"),
            ("PINS", (6,)),
            ("OUTPUTS", (6,)),
            ("TAKEN", {7: "wired"}),
            ("LED", None),
            ("UARTS", {0: None}),
            ("NETWORKS", ("wifi",)),
        ):
            board = use("RPI_PICO")
            loading.keep(board, _PATH)
            setattr(board, key, value)
            assert loading.load(board, _PATH) == wanted(raw, board), key
            assert loading.keep(board, _PATH), key
        version = loading.umb.__version__
        loading.umb.__version__ = "9.9.9"
        assert loading.keep(board, _PATH)
        loading.umb.__version__ = version

    on_disk(look)


def outcomes(kind):
    """What a board has after the power was cut at each write of keep(), in order."""
    board = use("RPI_PICO")
    flash = Flash()
    kind.mkfs(flash)
    old, new = {"slave_id": 7}, {"slave_id": 8, "name": "b" * 700}

    def first():
        put(_PATH, json.dumps(old).encode())
        assert loading.keep(board, _PATH)
        put(_PATH, json.dumps(new).encode())

    on_disk(first, flash, kind)
    before = bytes(flash.data)
    for left in range(1000):
        flash = Flash()
        flash.data[:] = before
        flash.left = left
        try:
            whole = on_disk(lambda: loading.keep(board, _PATH), flash, kind)
        except (OSError, PowerCut):
            whole = False
        flash.left = 1 << 30
        found = on_disk(lambda: loading.load(board, _PATH), flash, kind)
        assert found == wanted(new, board), left
        assert on_disk(lambda: loading.keep(board, _PATH), flash, kind) != whole, left
        if whole:
            return left
    return 0


def test_the_power_goes_while_it_is_written():
    assert outcomes(vfs.VfsLfs2) > 5
    assert outcomes(vfs.VfsFat) > 5


def test_where_it_cannot_be_kept_it_is_checked_each_time():
    board = use("RPI_PICO")

    def full():
        raw = {"slave_id": 7}
        put(_PATH, json.dumps(raw).encode())
        for number in range(_BLOCKS):
            try:
                put("/ram/filler%d" % number, bytes(_BLOCK - 8))
            except OSError:
                break
        for _ in range(2):
            assert not loading.keep(board, _PATH)
            assert loading.load(board, _PATH) == wanted(raw, board)

    on_disk(full)

    def not_json():
        device = b'{"slave_id": 9, "points": [{"name": "a", "scale": 1e999}]}'
        put(_PATH, b'{"role": "poller", "devices": [' + device + b"]}")
        assert not loading.keep(board, _PATH)
        settings, _, _ = loading.load(board, _PATH)
        assert settings["devices"][0]["points"][0]["scale"] > 1e30

    on_disk(not_json)


def test_without_a_file_and_with_a_broken_one_nothing_is_kept():
    board = use("RPI_PICO")

    def look():
        assert not loading.keep(board, _PATH)
        for text in (b"", b"{", b"[]", b"{}", b'"x"', b"\xff\xfe{"):
            put(_PATH, text)
            assert not loading.keep(board, _PATH)
            assert loading.load(board, _PATH)[0] == wanted({}, board)[0]

    on_disk(look)


def test_defaults_that_hold_for_once_are_not_kept():
    """Memory that is short at one start is no fault of the file."""
    board = use("RPI_PICO")
    raw = {"slave_id": 7}
    checker = sys.modules["app.check"]

    def look():
        put(_PATH, json.dumps(raw).encode())
        for error in (MemoryError, OSError, ImportError):

            def fail(*_, error=error):
                raise error

            checker.Checked = fail
            try:
                assert loading.load(board, _PATH)[0]["slave_id"] == 1
                assert not loading.keep(board, _PATH), error
            finally:
                checker.Checked = Checked
            assert loading.load(board, _PATH) == wanted(raw, board), error
        assert loading.keep(board, _PATH)

    on_disk(look)


class _Platform:
    """In the place of the module sys of app.main."""

    print_exception = sys.print_exception

    def __init__(self, platform):
        self.platform = platform


def start_of(platform, said):
    """What ends main.start() on this platform, with a file that has been checked just now."""
    board = use("RPI_PICO")
    main_module.say = said.append
    main_module.sys = _Platform(platform)

    def soft_reset():
        raise Restart

    def prepare(*_):
        raise Prepared

    chip.soft_reset = soft_reset
    keep = loading.keep
    loading.keep = lambda _: True
    there = start_module.prepare
    start_module.prepare = prepare
    try:
        main_module.start(board)
    except (Restart, Prepared) as error:
        return type(error)
    finally:
        loading.keep = keep
        start_module.prepare = there
        main_module.sys = sys


class Prepared(Exception):
    """The board went on with its start."""


def test_a_board_starts_anew_when_it_has_checked_its_file():
    for platform in ("rp2", "esp8266"):
        said = []
        assert start_of(platform, said) is Restart
        assert said == ["the settings have been checked: starting with them"]


def test_an_esp32_goes_on_as_a_soft_reset_would_hide_that_the_power_came_on():
    said = []
    assert start_of("esp32", said) is Prepared
    assert said == []
