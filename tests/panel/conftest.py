"""Fixtures: a board with a Panel, and a browser."""

import json
import os
import shutil
import signal
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.service import Service, free_port
from tools.board_libraries import folder
from tools.env import ROOT

_PROGRAM = Path(__file__).with_name("program.py")
PASSWORD = "correct horse"
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Board:
    """The program with a Panel. `port` is that of the page, `modbus` that of the TCP server."""

    def __init__(self, micropython, *options):
        self.micropython = micropython
        self.options = options
        self.port, self.modbus = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.cookie = None
        self.service = None
        self.start()

    def start(self):
        command = [self.micropython, _PROGRAM, self.port, self.modbus, *self.options]
        path = f"{ROOT}:{folder('microdot')}:.frozen"
        self.service = Service(command, env={**os.environ, "MICROPYPATH": path})
        self.service.wait_for("ready")

    def end(self):
        self.service.end(signal.SIGKILL)

    def ask(self, method, path, body=None, *, origin="", cookie="", headers=()):
        """Return (status, headers, body) of a request of the page.

        origin   "" for that of the board, None for none
        cookie   "" for that of sign_in(), None for none
        """
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = dict(headers)
        if origin is not None:
            sent["Origin"] = origin or self.url[:-1]
        if (cookie or self.cookie) and cookie is not None:
            sent["Cookie"] = cookie or self.cookie
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, response.headers, content

    def json(self, *words, **named):
        """Return (status, decoded body) of a request."""
        status, _, body = self.ask(*words, **named)
        return status, json.loads(body)

    def pdu(self, unit, pdu, **named):
        """Return (status, response PDU) of a request PDU."""
        status, _, body = self.ask("POST", "/pdu", bytes([unit]) + bytes(pdu), **named)
        return status, body

    def sign_in(self, password=PASSWORD):
        """Sign in. Returns the status."""
        status, headers, _ = self.ask("POST", "/login", {"password": password}, cookie=None)
        if status == 200:
            self.cookie = headers["Set-Cookie"].partition(";")[0]
        return status


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
