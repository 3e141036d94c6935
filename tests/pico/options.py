"""A pytest plugin: --pico, and the table that it prints.

tests/conftest.py loads it: pytest takes options from plugins and from the topmost conftest only.
"""

import pytest

from tests.pico.figures import Figures
from tools.emulator.firmware import PICO, PICO_W, why_not

_FIGURES = pytest.StashKey()


def pytest_addoption(parser):
    parser.addoption(
        "--pico",
        action="store_true",
        help="take the long tests on the emulated Pico too, and print what they measured",
    )


def pytest_configure(config):
    config.addinivalue_line("markers", "long_pico: on the emulated Pico, only taken with --pico")
    config.stash[_FIGURES] = Figures()


def pytest_collection_modifyitems(config, items):
    """Without --pico, leave out the long tests."""
    if not config.getoption("pico"):
        long = [item for item in items if item.get_closest_marker("long_pico")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


def pytest_runtest_setup(item):
    """Skip, from this one place, what needs a board where none can be had."""
    fixtures = getattr(item, "fixturenames", ())
    if "emulator" in fixtures or "wireless" in fixtures:
        try:
            reason = why_not(PICO_W if "wireless" in fixtures else PICO)
        except FileNotFoundError as error:
            pytest.fail(str(error), pytrace=False)
        if reason:
            pytest.skip(reason)


@pytest.fixture(scope="session")
def figures(pytestconfig):
    """Takes what the tests measure: figures.note(name, value)."""
    return pytestconfig.stash[_FIGURES]


def pytest_terminal_summary(terminalreporter, config):
    lines = config.stash[_FIGURES].lines()
    if config.getoption("pico") and lines:
        terminalreporter.section("emulated Pico: measured against the goals")
        for line in lines:
            terminalreporter.write_line(line)
