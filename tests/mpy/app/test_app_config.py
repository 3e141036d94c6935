"""Saving settings on file systems of boards: the power cut, wrong bits, and too little memory."""

import gc
import json
import os
import sys

import vfs

sys.path.insert(0, "boards")

from app import config, loading
from app.check import Checked
from umb.fast import copy

_BLOCK = 512
_BLOCKS = 64
_ERASED = b"\xff" * _BLOCK
_PATH = "/disk/umb.json"
OLD, NEW = {"slave_id": 1, "name": "a" * 600}, {"slave_id": 2, "name": "b" * 700}


class PowerCut(Exception):
    """The board's power went."""


def save(changes):
    """What the application does, in two steps, when a client orders it."""
    config.write(config.compose(changes, _PATH), _PATH)


class Flash:
    """A block device whose power goes after so many writes and erasures.

    weak   bytes that it cannot hold: the first of them is stored as a 0
    """

    def __init__(self, weak=None):
        self.data = bytearray(b"\xff" * (_BLOCK * _BLOCKS))
        self.left = 1 << 30
        self.weak = weak

    def _spend(self):
        if self.left <= 0:
            raise PowerCut
        self.left -= 1

    # Reading and writing allocate nothing, as with the flash of a board.

    def readblocks(self, block, buf, offset=0):
        copy(buf, 0, self.data, block * _BLOCK + offset, len(buf))

    def writeblocks(self, block, buf, offset=0):
        self._spend()
        at = block * _BLOCK + offset
        copy(self.data, at, buf, 0, len(buf))
        if self.weak is not None:
            wrong = bytes(buf).find(self.weak)
            if wrong >= 0:
                self.data[at + wrong] = 0

    def ioctl(self, op, arg):
        if op == 4:
            return _BLOCKS
        if op == 5:
            return _BLOCK
        if op == 6:
            self._spend()
            copy(self.data, arg * _BLOCK, _ERASED, 0, _BLOCK)
        return 0


def with_disk(kind, flash, call):
    """What call() returns with the disk mounted at /disk; the disk is let go in any case."""
    vfs.mount(kind(flash), "/disk")
    try:
        return call()
    finally:
        try:
            vfs.umount("/disk")
        except (OSError, PowerCut):
            pass


def outcomes(kind):
    """What is found after a save that was cut at each of its writes, in order."""
    flash = Flash()
    kind.mkfs(flash)
    with_disk(kind, flash, lambda: save(OLD))
    before = bytes(flash.data)
    found = []
    while True:
        flash = Flash()
        flash.data[:] = before
        flash.left = len(found)
        whole = True
        try:
            with_disk(kind, flash, lambda: save(NEW))
        except (OSError, PowerCut):
            whole = False
        flash.left = 1 << 30
        found.append(with_disk(kind, flash, lambda: config.read(_PATH)))
        if whole:
            return found


def check(found):
    assert len(found) > 5
    assert found[-1] == NEW
    assert found[0] == OLD
    turn = found.index(NEW)
    assert found == [OLD] * turn + [NEW] * (len(found) - turn)


def test_littlefs():
    check(outcomes(vfs.VfsLfs2))


def test_fat():
    """Its rename takes several writes: in between the new file has the other name."""
    check(outcomes(vfs.VfsFat))


def new_disk(weak=None):
    """A disk with OLD on it."""
    flash = Flash(weak)
    vfs.VfsLfs2.mkfs(flash)
    with_disk(vfs.VfsLfs2, flash, lambda: save(OLD))
    return flash


def on_disk(call, flash=None):
    """What call() returns with a disk with OLD on it at /disk."""
    return with_disk(vfs.VfsLfs2, flash or new_disk(), call)


def put(text):
    with open(_PATH, "wb") as file:
        file.write(text)


def failure(call, *arguments):
    """The exception that it raises, None if it raises none."""
    try:
        call(*arguments)
    except Exception as error:  # noqa: BLE001 - it is what is asked for
        return error
    return None


def test_what_was_there_stays():
    def write_and_read():
        put(b"{}")
        save({"a": 1, "b": [2, None]})
        save({"c": "3"})
        return config.read(_PATH)

    assert on_disk(write_and_read) == {"a": 1, "b": [2, None], "c": "3"}


def test_composing_writes_nothing():
    def compose():
        before = bytes(flash.data)
        flash.left = 0
        data = config.compose({"slave_id": 9}, _PATH)
        assert json.loads(data) == {"slave_id": 9, "name": OLD["name"]}
        assert bytes(flash.data) == before
        flash.left = 1 << 30

    flash = new_disk()
    on_disk(compose, flash)


def test_a_full_disk_leaves_the_old_file():
    def fill():
        try:
            for n in range(1000):
                with open("/disk/filler%d" % n, "wb") as file:
                    file.write(bytes(700))
        except OSError:
            pass
        changes = {"name": "c" * 4000}
        assert failure(config.compose, changes, _PATH).errno == 28
        data = json.dumps(changes).encode()
        assert failure(config.write, data, _PATH).errno == 28
        assert "umb.json.new" not in os.listdir("/disk")
        return config.read(_PATH)

    assert on_disk(fill) == OLD


def test_a_new_file_with_wrong_bits_does_not_take_the_old_ones_place():
    """The file system of FAT does not notice; ours reads it back."""
    flash = Flash()
    vfs.VfsFat.mkfs(flash)
    with_disk(vfs.VfsFat, flash, lambda: save(OLD))
    flash.weak = b"b" * 20

    def write():
        assert failure(save, NEW).errno == 5
        assert "umb.json.new" not in os.listdir("/disk")
        return config.read(_PATH)

    assert with_disk(vfs.VfsFat, flash, write) == OLD


def test_what_json_cannot_hold_leaves_the_old_file():
    def change():
        for text in (b'{"slave_id": 4, "x": 1e999}', b'{"x": [[-1e999]], "wifi": "home"}'):
            put(text)
            assert isinstance(failure(save, {"slave_id": 6}), ValueError)
            with open(_PATH, "rb") as file:
                assert file.read() == text
        assert "umb.json.new" not in os.listdir("/disk")

    on_disk(change)


def test_what_is_nested_too_deep_to_be_written_leaves_the_old_file():
    def change():
        text = b'{"slave_id": 4, "x": ' + b"[" * 3000 + b"]" * 3000 + b"}"
        put(text)
        assert failure(save, {"slave_id": 6}) is not None
        with open(_PATH, "rb") as file:
            assert file.read() == text

    on_disk(change)


def test_what_the_application_does_not_know_is_kept():
    values = (
        0,
        -1,
        1 << 40,
        10**30,
        1.5,
        -0.25,
        1e30,
        True,
        None,
        "",
        '\n\t\x01\x7f"\\\\',
        "Pumpe S\u00fcd \u6c34 \U0001f6b0",
        [],
        {},
        [1, [2, {"a": [None, False]}]],
    )

    def change():
        put(json.dumps({"values": values, "slave_id": 4}).encode())
        save({"slave_id": 6})
        return config.read(_PATH)

    assert on_disk(change) == {"values": list(values), "slave_id": 6}


def test_a_broken_file_is_replaced():
    def change():
        for text in (b"", b"{", b"[1]", b"\xff\xfe", b'{"a": 1}}', b"nonsense", b"3"):
            put(text)
            save({"slave_id": 6})
            assert config.read(_PATH) == {"slave_id": 6}, text

    on_disk(change)


def test_a_file_that_cannot_be_read_is_not_replaced():
    """That is another thing than one that makes no sense."""

    def change():
        os.remove(_PATH)
        os.mkdir(_PATH)
        assert isinstance(failure(save, {"slave_id": 6}), OSError)
        assert "umb.json.new" not in os.listdir("/disk")

    on_disk(change)


class Ballast:
    """Fills the heap; let_go(n) frees n pieces again, each a block of the heap: 32 bytes."""

    def __init__(self):
        self._large = None  # a chain: a list would have to grow while there is room left
        self._pieces = [None] * 1500
        self._left = len(self._pieces)
        gc.collect()
        for i in range(len(self._pieces)):
            self._pieces[i] = (i, self)
        for size in (100_000, 10_000, 1_000, 100, 32):
            try:
                while True:
                    self._large = (bytearray(size), self._large)
            except MemoryError:
                pass

    def let_go(self, n):
        for _ in range(min(n, self._left)):
            self._left -= 1
            self._pieces[self._left] = None
        gc.collect()


def outcomes_with_memory(call, levels):
    """What became of call() with one more piece of memory free each time, till it works."""
    found = [None] * levels
    n = 0
    ballast = Ballast()
    for i in range(levels):
        ballast.let_go(1)
        try:
            call()
            break
        except Exception as error:  # noqa: BLE001 - it is what is asked for
            found[i] = type(error)
            n = i + 1
    ballast = None
    return found[:n]


def test_too_little_memory_leaves_the_old_file():
    """At each of many levels, one allocation after the other is the one that fails."""

    def change():
        put(b'{"ssid": "home", "password": "wpa2 secret", "outputs": [1, 2, 3], "slave_id": 1}')
        before = config.read(_PATH)
        found = outcomes_with_memory(lambda: save({"slave_id": 6}), 1500)
        after = config.read(_PATH)
        return before, found, after, os.listdir("/disk")

    before, found, after, names = on_disk(change)
    assert len(found) > 40, found
    assert set(found) <= {MemoryError, OSError}, found
    before["slave_id"] = 6
    assert after == before
    assert names == ["umb.json"]


def test_with_too_little_memory_the_old_file_is_whole_at_every_level():
    def change():
        text = b'{"ssid": "home", "password": "wpa2 secret", "outputs": [1, 2, 3], "slave_id": 1}'
        put(text)
        torn = []

        def look():
            save({"slave_id": 6})

        def save_and_look():
            try:
                look()
            except Exception:
                with open(_PATH, "rb") as file:
                    if file.read(len(text) + 1) != text:
                        torn.append(1)
                raise

        outcomes_with_memory(save_and_look, 1500)
        return torn

    assert on_disk(change) == []


def test_with_too_little_memory_it_starts_with_defaults():
    """And the next save does not take what it could not read for empty: see above."""

    class Board:
        NETWORK = UART = 0
        PINS = INPUT_ONLY = ANALOGUE_PINS = OUTPUTS = INPUTS = ANALOGUES = PWMS = TAKEN = ()
        TX = RX = DE = LED = None
        UARTS = {0: None}  # noqa: RUF012 - a board.py has it like this

    def load():
        put(b'{"slave_id": 5, "x": [' + b"1, " * 1000 + b"1]}")
        levels = set()
        for size in range(500, 20_000, 1_000):
            contiguous = bytearray(size)
            ballast = Ballast()
            ballast.let_go(1000)
            contiguous = None
            settings, problems, _ = loading.load(Board, _PATH)
            ballast = None
            levels.add((settings["slave_id"], len(problems)))
            assert contiguous is ballast is None
        return levels

    assert Checked({}, Board).problems == []
    found = on_disk(load)
    assert found == {(1, 1), (5, 1)}, found


def test_files_that_are_none():
    def read():
        os.mkdir("/disk/folder")
        with open("/disk/binary", "wb") as file:
            file.write(bytes(range(256)) * 8)
        assert isinstance(failure(config.read, "/disk/folder"), OSError)
        assert isinstance(failure(config.read, "/disk/binary"), ValueError)
        return config.read("/disk/none")

    assert on_disk(read) is None
