"""Random traffic of every kind beside its model, for a moment; dev.py fuzz does it for hours."""

import ast
import subprocess
import sys

import pytest

from tests.support.mpy import FOLDER
from tools.env import ROOT
from tools.fuzz import real
from tools.fuzz.main import REAL, Job, kinds

# tools.fuzz.real has made the modules of the cases importable.
from fuzz import frames, readings, ways
from fuzz.model import Device, Link, Model

_SEED = 20261127
_CASES_S = 60  # none takes that long
# How many cases of a kind are played, with --long four times as many.
_CASES = {
    "pdu": 9,
    "rtu": 6,
    "rtu-rare": 3,
    "ascii": 4,
    "client-rtu": 2,
    "client-ascii": 2,
    "client-aio": 2,
    "client-aio-tcp": 2,
    "gateway": 2,
    "gateway-tcp": 3,
    "gateway-rtu-tcp": 3,
    "gateway-udp": 3,
    "tcp": 4,
    "rtu-tcp": 4,
    "udp": 5,
    "client-tcp": 6,
    "client-rtu-tcp": 6,
    "client-udp": 6,
}
_INDEPENDENT = (
    "model",
    "frames",
    "readings",
    "ways",
    "slaves",
    "rng",
    "requests",
    "traffic",
    "calls",
)


@pytest.fixture(scope="module")
def names(micropython):
    """Return the names of all kinds."""
    return kinds(micropython)


def cases(micropython, kind, count):
    """Play cases in a process of their own, where nothing is warmed up."""
    job = Job(micropython, kind, _SEED, 0, count)
    job.process.wait(_CASES_S)
    _, checks, difference = job.result()
    assert not difference, difference
    assert checks


@pytest.mark.parametrize("kind", _CASES)
def test_cases(micropython, pytestconfig, kind):
    cases(micropython, kind, _CASES[kind] * (4 if pytestconfig.getoption("long") else 1))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_real_server(micropython, seed):
    assert real.main(micropython, seed, 0) == 0


@pytest.mark.parametrize(
    "kind",
    [
        "rtu",
        "ascii",
        "tcp",
        "client-rtu",
        "client-ascii",
        "client-aio",
        "client-tcp",
        "gateway",
        "gateway-tcp",
    ],
)
def test_clocks_that_wrap_anywhere(micropython, kind):
    cases(micropython, f"wraps-{kind}", 1)


def test_every_kind_is_played_here(names):
    assert {name for name in names if not name.startswith("wraps-")} == {*_CASES, REAL}


def test_the_model_is_independent():
    for name in _INDEPENDENT:
        for node in ast.walk(ast.parse((FOLDER / "fuzz" / f"{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] == "fuzz"
            elif isinstance(node, ast.Import):
                assert [alias.name for alias in node.names] == ["binascii"]


def stored(row, sent=()):
    """What register 0 of slave 1 may hold after a row of bytes and these answers to it."""
    model = Model({1: Device((), ((0, 10),))})
    found = sorted(readings.anywhere(row, (1,), 0), key=lambda reading: reading[3:])

    def answered(i, slave_id, answer):
        return i < len(sent) and sent[i] == frames.rtu(slave_id, answer.pdu)

    some = ways.ways(model, Link(True), found, answered)
    assert len(some) <= 9, "two writes: lost, executed or answered each"
    some = [way[0] for way in some if way[2] == len(sent)]
    return {bytes(model.devices[1].holding_registers.data[:2]) for model in some}


def test_each_of_many_requests_in_a_row_may_have_been_executed(pytestconfig):
    one, two = [frames.rtu(1, bytes((6, 0, 0, 0, value))) for value in (1, 2)]
    none, first, second = b"\0\0", b"\0\1", b"\0\2"
    some = range(240) if pytestconfig.getoption("long") else (*range(8), *range(8, 240, 29))
    for zeros in some:
        row = one + two + bytes(zeros)
        assert stored(row) == {none, first, second}
        assert stored(row, [one]) == {first, second}
        assert stored(row, [two]) == {second}
        assert stored(row, [one, two]) == {second}
        assert stored(row, [two, one]) == set()


def test_a_byte_belongs_to_one_request_at_most():
    inner = frames.rtu(1, b"\x06\0\0\0\x01")
    outer = frames.rtu(1, b"\x10\0\0\0\x04\x08" + inner)
    answer = frames.rtu(1, b"\x10\0\0\0\x04")
    assert stored(outer, [inner]) == {b"\0\1"}
    assert stored(outer, [answer]) == {inner[:2]}
    assert stored(outer, [inner, answer]) == stored(outer, [answer, inner]) == set()


def test_a_difference_is_told_in_full(micropython, tmp_path):
    """With a bug planted, the seed, the bytes, what was expected and what came are printed."""
    copy = tmp_path / "umb"
    subprocess.run(["cp", "-r", str(ROOT / "umb"), str(copy)], check=True)
    standard = copy / "server" / "standard.py"
    text = standard.read_text()
    assert "quantity <= 125" in text
    standard.write_text(text.replace("quantity <= 125", "quantity <= 126"))
    done = subprocess.run(
        [micropython, str(FOLDER / "fuzz" / "main.py"), "pdu", "160", "1", "0", "300"],
        env={"MICROPYPATH": f"{tmp_path}:{FOLDER}:.frozen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    for word in ("kind pdu seed ", "set-up {", "events [", "expected ", "got "):
        assert f"\n{word}" in done.stdout, done.stdout
    assert done.stdout.count("\n  (") == 1, "one request is enough to show it"


def test_the_command(micropython):
    command = [sys.executable, str(ROOT / "tools" / "dev.py"), "fuzz"]
    done = subprocess.run(
        [*command, "--minutes", "0", "--seed", "7", "--only", "udp"],
        env={"MICROPYTHON": micropython},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 7\n" in done.stdout and "No difference in 1 cases" in done.stdout
