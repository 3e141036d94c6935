"""umb.words: the texts of devices as the PC's Python reads them, and the examples of its page."""

import ast
import codecs
import random

import pytest

from tests.interop.peer_remote import Remote
from tests.support.sessions import wrong_examples
from tools.env import ROOT

_PAGE = (ROOT / "docs" / "how-to" / "words.md").read_text()
_MODULE = (ROOT / "umb" / "words.py").read_text()
_SETUP = """
from umb.words import get_string
def texts(data, n):
    registers = [0] * n
    found = []
    for at in range(0, len(data), 2 * n):
        for i in range(n):
            registers[i] = data[at + 2 * i] << 8 | data[at + 2 * i + 1]
        found.append(get_string(registers, 0, n).encode())
    return found
"""


def each_byte(error):
    """Replace every byte that is no UTF-8 by one U+FFFD."""
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("each-byte", each_byte)


@pytest.fixture(scope="module")
def board(micropython):
    with Remote(micropython, _SETUP) as remote:
        yield remote


def check(board, data, n):
    """Compare the texts of n registers each."""
    parts = [data[at : at + 2 * n] for at in range(0, len(data), 2 * n)]
    wanted = [part.split(b"\0")[0].decode("utf-8", "each-byte").encode() for part in parts]
    got = []
    for at in range(0, len(data), 128 * n):
        got += board.evaluate(f"texts({data[at : at + 128 * n]!r}, {n})")
    assert got == wanted


def test_every_register(board):
    check(board, b"".join(bytes((i >> 8, i & 0xFF)) for i in range(65536)), 1)


@pytest.mark.parametrize("lead", [0xC1, *range(0xE0, 0xF6)])
def test_every_second_byte_of_a_character(board, lead):
    for third in (0x7F, 0x80, 0xBF, 0xC0):
        data = b"".join(bytes((lead, second, third, 0x80)) for second in range(256))
        check(board, data, 2)


def test_any_text(board):
    rng = random.Random(3)
    letters = b"aZ 0" + bytes(range(0x80, 0x100))
    for n in (3, 8):
        check(board, bytes(rng.choice(letters) for _ in range(2 * n * 500)), n)
    text = "".join(map(chr, range(1, 0x800))) + "\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"
    check(board, text.encode() + b"\0", 1 + len(text.encode()) // 2)


def test_the_page(micropython):
    assert wrong_examples(micropython, _PAGE, "docs/how-to/words.md") == []


def test_the_page_has_every_public_name():
    tree = ast.parse(_MODULE)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            names += [target.id for target in node.targets[0].elts]
    public = [name for name in names if not name.startswith("_")]
    assert len(public) == 27
    assert [name for name in public if f"`{name}" not in _PAGE] == []


def test_wrong_examples_are_found(micropython):
    text = ">>> 1 + 1\n3\n>>> x = 2\n>>> x\n2\n"
    text += ">>> {}[0]\nTraceback (most recent call last):\nKeyError: 1\n"
    faults = wrong_examples(micropython, text, "text")
    assert [fault.split(":")[0] for fault in faults] == ["line 1", "line 6"]
