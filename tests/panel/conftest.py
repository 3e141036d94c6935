"""Fixtures: a board with a Panel, and a browser."""

import os
import shutil
import signal
from pathlib import Path

import pytest

from tests.support.service import Service, free_port
from tests.support.web import PageClient
from tools.board_libraries import folder
from tools.env import ROOT

_PROGRAM = Path(__file__).with_name("program.py")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Board(PageClient):
    """The program with a Panel, and a client of its page. `modbus`: the port of the TCP server."""

    def __init__(self, micropython, *options):
        super().__init__(free_port())
        self.micropython = micropython
        self.options = options
        self.modbus = free_port()
        self.service = None
        self.start()

    def start(self):
        command = [self.micropython, _PROGRAM, self.port, self.modbus, *self.options]
        path = f"{ROOT}:{folder('microdot')}:.frozen"
        self.service = Service(command, env={**os.environ, "MICROPYPATH": path})
        self.service.wait_for("ready")

    def end(self):
        self.service.end(signal.SIGKILL)

    def pdu(self, unit, pdu, **named):
        """Return (status, response PDU) of a request PDU."""
        status, _, body = self.ask("POST", "/pdu", bytes([unit]) + bytes(pdu), **named)
        return status, body


@pytest.fixture(scope="module")
def board(micropython):
    """A Board on which the tests of a module have signed in."""
    one = Board(micropython)
    assert one.sign_in() == 200
    yield one
    one.end()


@pytest.fixture(scope="module")
def read_only(micropython):
    """A Board without a password."""
    one = Board(micropython, "read-only")
    yield one
    one.end()


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium here (Debian: apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        yield one
        one.close()
