"""A process killed while it saves settings leaves the old file or the new one. 200 times."""

import os
import random
import subprocess
import time

import pytest

from boards.app import config
from tests.support.device import Device
from tools.env import ROOT

_TIMES, _AT_ONCE = 200, 4
# Saves numbers in turn, in files that take many a write; tells when it can begin and when it has.
_PROGRAM = """\
import sys
sys.path.insert(0, "{root}/boards")
from app import config
path, n = sys.argv[1], int(sys.argv[2])
print("ready")
sys.stdin.readline()
while True:
    changes = {{"name": "x" * 5000, "failsafe_s": n, "slave_id": n % 200 + 1}}
    config.write(config.compose(changes, path), path)
    if n == int(sys.argv[2]):
        print("saved")
    n += 1
"""


class Saver:
    """A process that saves to a file, again and again, with numbers that grow."""

    def __init__(self, micropython, folder, number):
        folder.mkdir()
        self.path = folder / "umb.json"
        self._program = folder / "program.py"
        self._program.write_text(_PROGRAM.format(root=ROOT))
        self._micropython = micropython
        self.number = number  # what was saved last, at least

    def start(self):
        command = [self._micropython, self._program, self.path, str(self.number + 1)]
        env = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, env=env, **pipes)

    def go(self):
        assert self._process.stdout.readline() == b"ready\n"
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def wait(self):
        assert self._process.stdout.readline() == b"saved\n"

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()

    def look(self):
        """What a board would load now has to be whole, and no older than before."""
        settings = config.read(str(self.path))
        assert settings["slave_id"] == settings["failsafe_s"] % 200 + 1
        assert settings["name"] == "x" * 5000
        assert settings["failsafe_s"] > self.number
        self.number = settings["failsafe_s"]


@pytest.fixture
def savers(micropython, tmp_path):
    return [Saver(micropython, tmp_path / str(n), 1000 * n) for n in range(_AT_ONCE)]


def test_a_kill_at_any_moment(savers):
    moments = random.Random(9)
    torn = 0
    for _ in range(_TIMES // _AT_ONCE):
        for saver in savers:
            saver.start()
        for saver in savers:
            saver.go()
        for saver in savers:
            saver.wait()
        time.sleep(moments.random() / 200)
        for saver in savers:
            saver.kill()
        for saver in savers:
            saver.look()
            torn += saver.path.with_suffix(".json.new").exists()
    assert torn  # some were hit in the middle of it


def test_the_application_starts_with_what_a_kill_left(micropython, tmp_path):
    """A torn new file beside the old one, as a kill leaves them."""
    (tmp_path / "umb.json.new").write_text('{"slave_id": 9, "na')
    one = Device(micropython, tmp_path, {"slave_id": 5})
    try:
        assert one.holding(100, 1) == [5]
        assert not one.said("settings: ")
    finally:
        one.end()
