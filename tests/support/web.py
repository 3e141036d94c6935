"""A web server for the files of a folder, and a client of the page of a board."""

import contextlib
import functools
import http.server
import json
import threading
from http.client import HTTPConnection

PASSWORD = "correct horse"


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and tells nobody."""

    def log_message(self, *_):
        """Say nothing."""


@contextlib.contextmanager
def served(folder):
    """The address of an HTTP server that has the files of a folder."""
    handler = functools.partial(_QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class PageClient:
    """A client of the page of a board, as a browser is: with an origin, and a cookie."""

    def __init__(self, port):
        self.port = port
        self.url = f"http://127.0.0.1:{port}/"
        self.cookie = None

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

    def sign_in(self, password=PASSWORD):
        """Sign in. Returns the status."""
        status, headers, _ = self.ask("POST", "/login", {"password": password}, cookie=None)
        if status == 200:
            self.cookie = headers["Set-Cookie"].partition(";")[0]
        return status
