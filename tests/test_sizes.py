"""What each part takes: within its budget, and as the table in mip/README.md says."""

import pytest

from tools import sizes
from tools.env import ROOT
from tools.packages import FOLDER, PARTS, WHOLE, Library

README = (ROOT / FOLDER / "README.md").read_text()
TOLERANCE = 0.05  # of its figures, which are taken now and then


@pytest.fixture(scope="module")
def measured(micropython, tmp_path_factory):
    """umb, compiled and ready to be measured."""
    return sizes.Sizes(micropython, tmp_path_factory.mktemp("sizes"))


def cells(line):
    """Return the cells of a line of a table."""
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def numbers(line):
    """Return the figures of a line of a table; none is 0."""
    return [float(cell or 0) for cell in cells(line)[1:]]


def test_everything_is_within_its_budget(measured):
    assert list(measured.faults()) == []


def test_every_part_has_a_budget_and_a_use():
    assert list(sizes.BUDGETS) == list(sizes.USES) == list(PARTS)


def test_what_is_optional():
    optional = set(filter(sizes.is_optional, Library().paths))
    assert {"frame.ascii", "umodbus", "umodbus.client.tcp"} <= optional
    assert not optional & {"", "frame", "server.rtu", "client.tcp"}


def test_a_part_is_the_sum_of_its_files(measured, tmp_path):
    sizes.make_tree(tmp_path, "armv6m")
    files = [path.stat().st_size for path in (tmp_path / "umb").rglob("*.*py")]
    assert measured.of(WHOLE) == (len(files), sum(files), None, None, None)
    for part in PARTS:
        size = measured.of(part)
        assert 0 < size.loaded <= size.flash < sum(files)
        assert 0 < size.imported <= size.used <= sizes.BUDGETS[part].used


def test_what_a_use_loads(measured):
    """Enough, and nothing that only others need."""
    assert measured.loaded("tty") == {"", "port.tty", "check"}
    assert measured.loaded("aio") == {"", "aio"}
    server = {"", "server", "server.standard", "frame", "store", "blocks", "conf", "check"}
    fast = {"fast", "fast.viper", "fast.thumb", "fast.bytecode"}
    line = {"server.rtu", "frame.rtu", "port.line"}
    assert measured.loaded("server-rtu") - fast - server == line
    network = {"server.tcp", "frame.rtu", "frame.mbap", "port.sockets"}
    assert measured.loaded("server-tcp") - fast - server == network
    assert {"gateway", "client.rtu", "server.tcp"} <= measured.loaded("gateway")
    assert "server" not in measured.loaded("aio-client-rtu")
    assert "client" not in measured.loaded("umodbus")


def test_the_readme_has_the_table(measured):
    said = README[README.index("| package file | files ") :].splitlines()
    found = list(sizes.table(measured))
    assert said[:2] == found[:2]
    assert [cells(line)[0] for line in said] == [cells(line)[0] for line in found]
    compared = slice(None if measured.word_bits == 64 else 3)  # RAM is told for 64 bits
    for told, true in zip(said[2:], found[2:], strict=True):
        figures, measures = (numbers(line)[compared] for line in (told, true))
        assert figures == pytest.approx(measures, rel=TOLERANCE), told


def test_a_budget_that_is_exceeded_is_told(measured, monkeypatch):
    size = measured.of("tty")
    budget = sizes.Budget(size.loaded - 1, size.imported - 2, size.used - 3)
    monkeypatch.setattr(sizes, "BUDGETS", {"tty": budget})
    monkeypatch.setattr(sizes, "EVERYTHING_BUDGET", 1)
    monkeypatch.setattr(sizes, "OPTIONAL_BUDGET", 1)
    faults = [fault.partition(": ") for fault in measured.faults()]
    memory = ["tty, imported", "tty, used"] if measured.word_bits == 64 else []
    optional = sorted(filter(sizes.is_optional, Library().paths))
    assert [what for what, *_ in faults] == ["tty, loaded", *memory, "everything", *optional]
    for by, (_, _, told) in enumerate(faults[: 1 + len(memory)], 1):
        assert told.endswith(f", {by} more than its budget")


def test_what_is_within_its_budget_is_not_told():
    assert list(sizes.over("it", 7, 7)) == []
    assert list(sizes.over("it", 8, 7)) == ["it: 8 bytes, 1 more than its budget"]


def test_the_command(capsys, monkeypatch, measured):
    monkeypatch.setattr(sizes, "Sizes", lambda *_: measured)
    monkeypatch.setattr(sizes, "micropython", lambda: None)
    assert sizes.main([]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [*sizes.table(measured), f"Bytes; RAM on a {measured.word_bits}-bit machine."]
    assert sizes.main(["--check"]) == 0
    monkeypatch.setattr(sizes, "EVERYTHING_BUDGET", 1)
    assert sizes.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].startswith("everything: ")
