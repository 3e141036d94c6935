"""What each part takes: within its budget, and as the table in README.md says."""

import re

import pytest

from tools import sizes
from tools.env import ROOT
from tools.packages import PARTS, WHOLE

README = (ROOT / "README.md").read_text()
TOLERANCE = 0.05  # of the README's figures, which are taken now and then


@pytest.fixture(scope="module")
def measured(micropython, tmp_path_factory):
    """umb, compiled and ready to be measured."""
    return sizes.Sizes(micropython, tmp_path_factory.mktemp("sizes"))


def cells(line):
    """Return the cells of a line of a table."""
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def test_everything_is_within_its_budget(measured):
    assert list(measured.faults()) == []


def test_every_part_has_a_budget():
    assert set(sizes.BUDGETS) == set(PARTS)


def test_a_part_is_the_sum_of_its_files(measured, tmp_path):
    sizes.make_tree(tmp_path, "armv6m")
    files = [path.stat().st_size for path in (tmp_path / "umb").rglob("*") if path.is_file()]
    assert measured.of(WHOLE) == (len(files), sum(files), None, None)
    for part in PARTS:
        size = measured.of(part)
        assert 0 < size.loaded <= size.flash < sum(files)
        assert 0 < size.ram < 100_000


def test_what_an_import_loads(measured):
    """The files that MicroPython itself says it has loaded, machine code and all."""
    program = "import sys\nimport {}\nprint([n for n in sys.modules if n.startswith('umb')])"
    for part, (imports, _) in PARTS.items():
        names = ", ".join(f"umb.{name}" for name in imports)
        found = set(eval(measured.run("-c", program.format(names))))
        modules = {f"umb.{name}".rstrip(".") for name in measured.loaded(part)}
        if "umb._plain" in found:  # no machine code on this processor
            found = found - {"umb._plain"} | {"umb._viper"}
        assert found == modules - {"umb.port.make"}, part


def test_the_readme_has_the_table(measured):
    said = re.search(r"(\| package file .*?\n)\n", README, re.S)[1].splitlines()
    found = list(sizes.table(measured))
    assert said[:2] == found[:2]
    assert [cells(line)[0] for line in said] == [cells(line)[0] for line in found]
    for told, true in zip(said[2:], found[2:], strict=True):
        for figure, measure in zip(cells(told)[1:], cells(true)[1:], strict=True):
            if measure and (measured.word_bits == 64 or measure != cells(true)[-1]):
                assert float(figure) == pytest.approx(float(measure), rel=TOLERANCE), told


def test_a_budget_that_is_exceeded_is_told(measured, monkeypatch):
    size = measured.of("tty")
    assert size.loaded
    monkeypatch.setattr(sizes, "BUDGETS", {"tty": (size.loaded - 1, size.ram - 2)})
    monkeypatch.setattr(sizes, "EVERYTHING_BUDGET", 1)
    monkeypatch.setattr(sizes, "OPTIONAL_BUDGET", 1)
    faults = list(measured.faults())
    assert faults[0] == f"tty: .mpy: {size.loaded} bytes, 1 more than its budget"
    if measured.word_bits == 64:
        assert faults[1] == f"tty: RAM: {size.ram} bytes, 2 more than its budget"
    assert faults[-len(sizes.OPTIONAL) - 1].startswith("everything: ")
    assert [f.split(":")[0] for f in faults[-len(sizes.OPTIONAL) :]] == list(sizes.OPTIONAL)


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
