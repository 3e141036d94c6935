"""Saving settings on file systems of boards, with the power cut at every single write."""

import os
import sys

import vfs

sys.path.insert(0, "boards")

from app import config

_BLOCK = 512
_BLOCKS = 64
OLD, NEW = {"slave_id": 1, "name": "a" * 600}, {"slave_id": 2, "name": "b" * 700}


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
        at = block * _BLOCK + offset
        buf[:] = self.data[at : at + len(buf)]

    def writeblocks(self, block, buf, offset=None):
        self._spend()
        at = block * _BLOCK + (offset or 0)
        self.data[at : at + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return _BLOCKS
        if op == 5:
            return _BLOCK
        if op == 6:
            self._spend()
            if arg is not None:
                at = arg * _BLOCK
                self.data[at : at + _BLOCK] = b"\xff" * _BLOCK
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
    with_disk(kind, flash, lambda: config.save(OLD, "/disk/umb.json"))
    before = bytes(flash.data)
    found = []
    while True:
        flash = Flash()
        flash.data[:] = before
        flash.left = len(found)
        whole = True
        try:
            with_disk(kind, flash, lambda: config.save(NEW, "/disk/umb.json"))
        except (OSError, PowerCut):
            whole = False
        flash.left = 1 << 30
        raw, broken = with_disk(kind, flash, lambda: config.read("/disk/umb.json"))
        assert not broken, (len(found), broken)
        found.append(raw)
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


def test_what_was_there_stays():
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)
    path = "/disk/umb.json"

    def write_and_read():
        config.save({"a": 1, "b": [2, None]}, path)
        config.save({"c": "3"}, path)
        return config.read(path)

    assert with_disk(vfs.VfsLfs2, flash, write_and_read) == (
        {"a": 1, "b": [2, None], "c": "3"},
        "",
    )


def test_a_full_disk_leaves_the_old_file():
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)
    path = "/disk/umb.json"

    def fill():
        config.save(OLD, path)
        try:
            for n in range(1000):
                with open("/disk/filler%d" % n, "wb") as file:
                    file.write(bytes(700))
        except OSError:
            pass
        try:
            config.save({"name": "c" * 4000}, path)
            raise AssertionError("it had room")
        except OSError:
            pass
        assert "umb.json.new" not in os.listdir("/disk")
        return config.read(path)

    assert with_disk(vfs.VfsLfs2, flash, fill) == (OLD, "")


def test_files_that_are_none():
    flash = Flash()
    vfs.VfsLfs2.mkfs(flash)

    def read():
        os.mkdir("/disk/folder")
        with open("/disk/binary", "wb") as file:
            file.write(bytes(range(256)) * 8)
        return config.read("/disk/folder"), config.read("/disk/binary"), config.read("/disk/none")

    folder, binary, none = with_disk(vfs.VfsLfs2, flash, read)
    assert folder[0] is None and folder[1]
    assert binary[0] is None and binary[1]
    assert none == (None, "")
