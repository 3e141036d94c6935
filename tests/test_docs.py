"""The pages: a site without a warning, prose without misspellings, programs that run."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pymodbus import FramerType

from tests.support.brokers import Listener, mosquitto
from tests.support.pages import PAGES, blocks, name_of, programs
from tests.support.pc import PC, answer
from tests.support.service import free_port
from tests.support.sessions import wrong_examples
from tools import docs, drawings
from tools.env import ROOT
from tools.site import hooks
from tools.site.docstrings import markdown

_TEXT = re.compile(r"^```text\n.*?^```", re.S | re.M)  # what cannot be repeated
_SESSION = re.compile(r"^```pycon\n", re.M)
# A weekday's and a register's name, and a mistake that a page shows.
_NO_MISTAKES = ("--ignore-words-list=noe,ists", '--ignore-regex="adress"')
_REFERENCE = "\n".join(path.read_text() for path in sorted(ROOT.glob("docs/reference/*.md")))


PROGRAMS = programs()


# --- the site


def test_the_site(tmp_path):
    assert docs.build(tmp_path / "site") == []
    text = (tmp_path / "site" / "reference" / "clients.html").read_text()
    assert "read_input_registers" in text
    assert "within timeout_ms" in text  # out of a docstring


def test_a_wrong_link_is_found(tmp_path, monkeypatch):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "index.md").write_text("# One\n\n[two](two.md), [three](#three)\n")
    config = (ROOT / "mkdocs.yml").read_text()
    config = re.sub(r"^(nav|hooks|plugins|extra_css|watch):\n([ -].*\n)+", "", config, flags=re.M)
    (tmp_path / "mkdocs.yml").write_text(config)
    monkeypatch.setitem(docs.PLACE, "cwd", tmp_path)
    said = "\n".join(docs.build(tmp_path / "site"))
    assert "two.md" in said
    assert "#three" in said


def test_every_page_is_in_the_navigation():
    listed = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text().split("\nnav:")[1]))
    there = {path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert listed == there | set(hooks.outside().values()) | {"examples.md"}


def test_a_section_has_its_own_first_page():
    """mkdocs-material takes the first index.md of a section for the section itself."""
    for section in re.split(r"^  - ", (ROOT / "mkdocs.yml").read_text(), flags=re.M):
        pages = re.findall(r"^ +- (?:.*: )?([\w/-]+)\.md", section, re.M)
        if any(page.endswith("/index") for page in pages):
            assert pages[0].endswith("/index"), pages


def test_links_to_files():
    """Links out of docs/ and between pages lead to files of the repository."""
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{target} in {name_of(page)}"


def test_spelling():
    folders = ("umb", "boards", "examples", "tools")
    paths = [*PAGES, *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    command = [sys.executable, "-m", "codespell_lib", *_NO_MISTAKES, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr


def test_pictures_are_drawn_anew():
    for name, text in drawings.pictures().items():
        assert (drawings.IMAGES / name).read_text() == text, "python3 tools/dev.py docs --draw"


def test_lists_of_docstrings_become_tables():
    text = "What it does.\n\none    the first\n       and more\ntwo=3  the | second\n\nRaises.\n"
    rows = [
        "| | |",
        "| --- | --- |",
        "| `one` | the first and more |",
        r"| `two=3` | the \| second |",
    ]
    lines = [line for line in markdown(text).splitlines() if line]
    assert lines == ["What it does.", *rows, "Raises."]
    assert markdown("No list:\n\n    but  code\n") == "No list:\n\n    but  code"


def test_the_form_of_the_changes():
    """A version a section, the newest first, with a date if it was released."""
    text = (ROOT / "CHANGES.md").read_text()
    heads = re.findall(r"^## (.*)$", text, re.M)
    found = [
        re.fullmatch(r"(\d+)\.(\d+)\.(\d+) \((\d{4}-\d\d-\d\d|not released)\)", head)
        for head in heads
    ]
    assert all(found), heads
    versions = [tuple(map(int, one.groups()[:3])) for one in found]
    assert versions == sorted(versions, reverse=True)
    (now,) = re.findall(r'__version__ = "(.*)"', (ROOT / "umb" / "__init__.py").read_text())
    assert tuple(map(int, now.split("."))) in versions
    newest = text.split("\n## ")[1]
    assert re.findall(r"^### .", newest, re.M)
    assert "](docs/" in newest


# --- the programs


@pytest.fixture
def pc(micropython, tmp_path):
    with PC(micropython, tmp_path) as one:
        yield one


class World:
    """What a program of the pages needs around it, found in its text, and what it has to do."""

    def __init__(self, pc, text):
        self.pc = pc
        self.port, self.peer_port = free_port(), free_port()
        text = re.sub(r'\("0\.0\.0\.0", 502\)', f'("127.0.0.1", {self.port})', text)
        text = re.sub(r'\("192\.168\.1\.5", 502\)', f'("127.0.0.1", {self.peer_port})', text)
        self.broker = None
        self.text = re.sub(r'MQTT\("192\.168\.1\.2"', self._broker_address, text)
        self.framer = FramerType.ASCII if "framer=ASCII" in text else FramerType.RTU
        found = re.search(r"(?:slave_ids=[(\[]|unit_ids=\{)(\d+)", text)
        self.slave_id = int(found[1]) if found else 1
        self.slaves = sorted(set(re.findall(r"RTUServer\((\d)", text)))
        self.masters = sorted(set(re.findall(r"RTUClient\((\d)", text)))

    def _broker_address(self, _match):
        """Return the beginning of MQTT("192.168.1.2") for a broker that is started here."""
        self.broker = mosquitto(self.pc.folder)
        self.pc.at_the_end(self.broker.kill)
        return f'MQTT("127.0.0.1", port={self.broker.port}'

    def make_peers(self):
        """Start what the program asks."""
        device = {"bits": [True] * 200, "registers": [2300 + i for i in range(200)]}
        devices = dict.fromkeys(range(1, 11), device)
        for uart in self.masters:
            self.pc.peer("serial", self.pc.far_end(uart), devices)
        if str(self.peer_port) in self.text:
            self.pc.peer("tcp", self.peer_port, devices)

    def ask(self, service):
        """Ask the program's slaves and servers: each has to answer."""
        for uart in self.slaves:
            with self.pc.serial_master(uart, self.framer) as client:
                self._ask(service, client)
        if str(self.port) in self.text:
            with self.pc.tcp_master(self.port) as client:
                self._ask(service, client)

    def _ask(self, service, client):
        found = answer(service, lambda: client.read_coils(0, count=1, device_id=self.slave_id))
        if "coils=" in self.text:
            assert not found.isError(), found

    @property
    def serves(self):
        return bool(self.slaves) or str(self.port) in self.text


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_blocks_are_what_they_say(page):
    """Fragments of Python compile, JSON can be read."""
    for text in blocks(page, "python"):
        compile(text, name_of(page), "exec")
    for text in blocks(page, "json"):
        json.loads(text)
    languages = set(re.findall(r"^```(\w+)$", page.read_text(), re.M))
    assert languages <= {"python", "pycon", "json", "text"}, "no language is for a shell"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program(pc, name):
    world = World(pc, PROGRAMS[name])
    world.make_peers()
    service = pc.start(world.text)
    if world.broker is not None:
        listener = Listener(world.broker.port)
        listener.wait(lambda: listener.last)
        listener.close()
    elif world.serves:
        world.ask(service)
    elif "serve(poller" in world.text:
        service.wait_for(", online")
    elif "while True" in world.text:
        service.wait_for("V")
    else:
        assert service.wait() == 0, "\n".join(service.lines)
    printed = "\n".join(service.lines)
    assert not re.search("Traceback|did not answer|refused|no connection|gave no", printed)


HEAD = """
from umb.client.rtu import RTUClient
from umb.client.tcp import TCPClient
from umb.server.rtu import RTUServer
from umb.store import Store
"""
BUS = (
    HEAD + "RTUClient(0, baudrate=9600, timeout_ms=500, retries=2).read_input_registers(7, 0, 2)\n"
)


@pytest.mark.parametrize(
    ("page", "program", "devices", "text"),
    [
        ("start/master", BUS, None, "slave 7 did not answer FC 4 at 0 x 2 within 500 ms, 3 times"),
        (
            "start/master",
            BUS,
            {7: {"registers": [1]}},
            "slave 7 refused FC 4 at 0 x 2: illegal data address (exception 2)",
        ),
        ("start/master", BUS, b"\7\4\2\0\0\1\2", "slave 7 gave no valid answer to FC 4 at 0 x 2"),
        ("troubleshooting", "RTUServer(7, baudrate=9600)\n", None, "UART(7) doesn't exist"),
        (
            "troubleshooting",
            "RTUServer(0, Store(coils=8), baudrate=9600)\n",
            None,
            "server must be a Server or a Gateway, such as Server(store), not",
        ),
    ],
)
def test_an_error_that_a_page_quotes(pc, page, program, devices, text):
    quoted = text.replace("UART(7)", "UART(1)")
    assert quoted in (ROOT / "docs" / f"{page}.md").read_text()
    if isinstance(devices, dict):
        pc.peer("serial", pc.far_end(0), devices)
    service = pc.start(program if program == BUS else HEAD + program)
    if isinstance(devices, bytes):
        service.wait_for("UART 0 is")
        with open(pc.far_end(0), "r+b", buffering=0) as line:
            for _ in range(3):
                line.read(8)
                line.write(devices)
    assert service.wait() == 1
    assert text in service.lines[-1]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if _SESSION.search(page.read_text())], ids=name_of
)
def test_the_sessions_of_a_page(page, micropython):
    text = _TEXT.sub(lambda found: "\n" * found[0].count("\n"), page.read_text())
    assert wrong_examples(micropython, text, name_of(page)) == []


def test_what_programs_import_is_in_the_reference():
    names = set()
    sources = [*PROGRAMS.values(), *(path.read_text() for path in ROOT.glob("examples/*.py"))]
    for text in sources:
        for module, imported in re.findall(r"^from (umb[\w.]*) import (.+)$", text, re.M):
            names |= {(module, name) for name in imported.split(", ")}
    assert ("umb.server.rtu", "RTUServer") in names
    for module, name in sorted(names):
        known = f"from {module} import" in _REFERENCE and re.search(rf"\b{name}\b", _REFERENCE)
        whole = re.search(rf"^::: {module}$", _REFERENCE, re.M)
        assert known or whole, f"{module}.{name}"


# What the texts call things of the reader's, and what is CPython's.
_READERS = {"app", "tcp", "rtu", "ttyUSB0", "TCPServer", "server_close", "DEBUG"}


def identifiers(texts):
    """Return the names in these texts."""
    return {name for text in texts for name in re.findall(r"[A-Za-z_]\w+", text)}


def code_of(page, column):
    """Return the code in a column of the tables of a page."""
    rows = [
        re.split(r" ?(?<!\\)\| ?", row) for row in page.read_text().splitlines() if "| `" in row
    ]
    return [text for row in rows for text in re.findall(r"`([^`]+)`", row[column])]


@pytest.mark.parametrize("name", ["umodbus", "micropython-modbus", "pymodbus"])
def test_names_of_umb_for_those_who_come_from_elsewhere(name):
    sources = [path.read_text() for path in ROOT.glob("umb/**/*.py")]
    named = identifiers(code_of(ROOT / "docs" / "coming-from" / f"{name}.md", 2))
    assert len(named) > 20
    assert named - identifiers(sources) - {"ip", "True"} == set()


@pytest.mark.parametrize("name", ["umodbus", "pymodbus"])
def test_names_of_others(name):
    folder = Path(importlib.import_module(name).__file__).parent
    sources = [path.read_text() for path in folder.rglob("*.py")]
    named = identifiers(code_of(ROOT / "docs" / "coming-from" / f"{name}.md", 1))
    assert len(named) > 20
    assert named - identifiers(sources) - _READERS == set()
