"""docs/why/figures.md says what is true: some of it is measured again."""

import re

import pytest

from tools.env import ROOT

PAGE = (ROOT / "docs" / "why" / "figures.md").read_text()


@pytest.fixture
def measuring(emulator):  # noqa: ARG001 - who has no emulator cannot import it
    """The module that measures."""
    from tools.emulator import figures  # noqa: PLC0415 - only where the emulator is installed

    return figures


def row(name):
    """Return the numbers in a row of the page."""
    line = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", PAGE, re.M)[0]
    return [float(text) for text in line.split(" | ")]


def near(figure):
    """Other versions of umb take a little more or less: the page is written now and then."""
    return pytest.approx(figure, rel=0.2)


def test_every_program_is_in_the_page(measuring):
    for name in measuring.PROGRAMS:
        assert len(row(name)) == 3


def test_memory(measuring, firmware):
    name, text = next(iter(measuring.PROGRAMS.items()))
    assert measuring.memory(firmware, text) == tuple(near(figure) for figure in row(name))


@pytest.mark.long_pico
def test_memory_of_the_page(measuring, firmware):
    """All but the points: what is in which line depends on when the table of names grows."""
    lines = [measuring.panel_table(firmware), measuring.PAGES["panel"].read_text().splitlines()]
    found, told = (
        sum(
            int(line.split()[-2])
            for line in table
            if re.match(r"\| (`umb.(pan|rec)|micro|a.*pass)", line)
        )
        for table in lines
    )
    assert found == near(told)


def test_times(measuring, pico):
    found = {name: rest for name, *rest in measuring.times(pico, 115200)}
    for name, (late_us, rate, share) in found.items():
        said_us, said_rate, said_share = row(f"115200 | {name}")
        assert late_us == pytest.approx(said_us, abs=300)
        assert rate == near(said_rate)
        assert share == near(said_share)


def test_tables_are_put_in_their_places(measuring):
    page = "One\n\n<!-- figures: a -->\n\n| old |\n| --- |\n| 1 |\n\nTwo\n"
    new = measuring.put(page, "a", ["| new |", "| --- |"])
    assert new == "One\n\n<!-- figures: a -->\n\n| new |\n| --- |\n\nTwo\n"
    with pytest.raises(ValueError, match="no table b"):
        measuring.put(page, "b", [])


def test_where_the_memory_of_a_slave_goes(measuring, firmware):
    """All of it is found but the rings of the UART, 800 bytes, and what is the program's own."""
    found = {}
    for line in measuring.heap_table(firmware)[2:]:
        name, *cells = line[2:-2].split(" | ")
        found[name] = [int(cell) for cell in cells if cell]
    assert found["all"][-1] == near(row("all")[-1])
    assert found["all"][-1] == sum(sizes[-1] for sizes in found.values()) - found["all"][-1]
    assert {"`umb.server`", "`umb.port.line`", "`umb.store`", "names"} <= found.keys()
    assert 800 <= sum(sizes[0] for name, sizes in found.items() if "rings" in name) <= 1200
