"""A pytest plugin: what became of each requirement, gathered from the reports of all tests.

tests/conftest.py loads it. Reports also come from the processes of pytest-xdist, so what a test is
about travels in its report.
"""

import os

from tests.conformance import results
from tools.env import ROOT


def pytest_configure(config):
    config.addinivalue_line("markers", "transport(*names): what the table of results calls them")


def pytest_runtest_setup(item):
    """Write on the test's reports which requirements it is about, and on which transports."""
    if item.path.parent.name == "conformance":
        numbers = results.numbers_of(item.name)
        item.user_properties.append(("conformance", [numbers, list(results.where(item))]))


def pytest_runtest_logreport(report):
    """Keep what a report says."""
    about = dict(report.user_properties).get("conformance")
    if about and (report.failed or (report.passed and report.when == "call")):
        results.note(*about, report.passed)


def pytest_terminal_summary(terminalreporter, config):
    """Print how many requirements are met; write the table where UMB_CONFORMANCE says."""
    if not results.results:
        return
    path = os.environ.get("UMB_CONFORMANCE")
    if path:
        (ROOT / path).write_text(results.document())
    terminalreporter.section("conformance")
    for line in results.table():
        if "**not met**" in line or (config.option.verbose and "**not tested**" not in line):
            terminalreporter.write_line(line)
    met = sum(results.results.values())
    terminalreporter.write_line(
        f"{met} of {len(results.results)} results are as they should be (-v shows the table)"
    )
