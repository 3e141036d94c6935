"""The suite itself: a test for each requirement, or a reason."""

import ast
import os
import re
from pathlib import Path

import pytest

from tests.conformance.requirements import NOT_TESTED, OTHERWISE, REMARKS, REQUIREMENTS
from tests.conformance.results import numbers_of
from tools.env import ROOT

_COUNT = 151


def having_tests():
    """Return the numbers that the names of the tests have."""
    found = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                found.update(numbers_of(node.name))
    return found


def test_every_requirement_has_a_test_or_a_reason():
    assert list(REQUIREMENTS) == list(range(1, _COUNT + 1))
    assert having_tests() | set(NOT_TESTED) == set(REQUIREMENTS)
    assert not having_tests() & set(NOT_TESTED)


def test_remarks_name_files_that_exist():
    assert set(REMARKS) | set(OTHERWISE) <= having_tests()
    for text in (*REMARKS.values(), *NOT_TESTED.values()):
        for path in re.findall(r"`((?:tests|umb|boards)/[^`]+)`", text):
            assert (ROOT / path).is_file(), path


@pytest.mark.skipif("UMB_CONFORMANCE" in os.environ, reason="it is being made")
def test_the_table_in_the_checkout_is_of_these_requirements():
    table = (ROOT / "CONFORMANCE.md").read_text()
    rows = re.findall(r"^\| (\d+) \| (.*?) \| (.*) \|$", table, re.M)
    assert {int(number): text for number, text, _ in rows} == REQUIREMENTS
    results = {int(number): result for number, _, result in rows}
    for number, remark in (*REMARKS.items(), *NOT_TESTED.items()):
        assert remark in results[number], number
