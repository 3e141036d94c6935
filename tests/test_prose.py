"""The prose of the pages: short sentences, no repeated words, nothing that proselint finds."""

import json
import re
import subprocess
import sys

import pytest

from tests.support.pages import PAGES, name_of

_WORDS = 36  # the longest sentence
_TABLE_WORDS = 40  # the longest cell of a table
# Typography is for print; repeated words are found below, without those of tables and headings.
_CHECKS = {"typography": False, "archaism": False, "lexical_illusions": False}


def prose(text):
    """Return what is left of a page without programs; the lines stay where they are."""
    for pattern in (r"^```.*?^```$", r"^:::.*?(?=^$)", r"^---$.*?^---$"):
        text = re.sub(pattern, lambda found: "\n" * found[0].count("\n"), text, flags=re.S | re.M)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)  # links
    return re.sub(r"`[^`]*`", "Code", text)


def sentences(text):
    """Yield the sentences of prose, and the cells of its tables."""
    for row in re.findall(r"^\|.*$", text, re.M):
        yield from ((_TABLE_WORDS, cell) for cell in row.split("|"))
    text = re.sub(r"^\|.*$|^#.*$", "\n", text, flags=re.M)
    for paragraph in re.split(r"\n\s*\n|\n\s*(?:\*|\d+\.) ", text):
        words = " ".join(paragraph.split())
        for sentence in re.split(r"(?<=[.!?]) +(?=[A-Z0-9*(\"])", words):
            yield _WORDS, sentence


def long_ones(text):
    """Return the sentences that are too long."""
    return [part for most, part in sentences(prose(text)) if len(part.split()) > most]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_sentences_are_short(page):
    assert long_ones(page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_word_is_repeated(page):
    assert repeated(page.read_text()) == []


def repeated(text):
    """Return words that stand twice."""
    found = []
    for _, part in sentences(prose(text)):
        found += re.findall(r"\b(?!Code\b)([A-Za-z]+) \1\b", part)
    return found


def test_a_long_sentence_is_found():
    text = "Short. " + "word " * 40 + "end. `Code` here.\n\n```\n" + "code " * 40 + "\n```\n"
    assert len(long_ones(text)) == 1
    assert repeated("It is the\nthe same.") == ["the"]
    assert len(long_ones("| a | " + "word " * 41 + "|\n")) == 1


def complaints(folder, texts):
    """Return what proselint says of {name: text}, a line each."""
    folder.mkdir(exist_ok=True)
    (folder / ".proselintrc.json").write_text(json.dumps({"checks": _CHECKS}))
    paths = []
    for name, text in texts.items():
        paths.append(folder / (name.replace("/", "-") + ".txt"))
        paths[-1].write_text(prose(text))
    command = [sys.executable, "-m", "proselint", "-o", "compact", "check", *paths]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


def test_proselint(tmp_path):
    assert (
        complaints(tmp_path / "pages", {name_of(page): page.read_text() for page in PAGES}) == []
    )


def test_proselint_finds_something(tmp_path):
    found = complaints(tmp_path / "one", {"one": "It is very unique, as a matter of fact.\n"})
    assert found
