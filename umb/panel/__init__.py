"""Panel: a web page that shows what a board reads and drives, over the web server microdot.

    from microdot import Microdot
    from umb.panel import Panel

    app = Microdot()
    panel = Panel(app, server, points=poller, password=hash_password("..."))
    asyncio.run(both(umb.aio.serve(tcp), WebServer(app, ("0.0.0.0", 80)).serve()))

The page is a Modbus client itself: it posts request PDUs, and the handler of the servers, a Server
or a Gateway, answers them as it answers those of any other link. docs/how-to/panel.md shows how a
program mounts it, SECURITY.md says what it protects from.
"""

import json

from micropython import const

from ..check import function, wrong
from .link import PageLink
from .messages import JSON, as_json, given, refusal, shown
from .page import CONTENT_SECURITY_POLICY, ENTITY_TAG, open_page
from .sessions import Sessions
from .source import Source
from .viewers import Viewers

_LONGEST_PDU = const(253)
_COOKIE = "umb_session"
# Function codes that only read. All others need a session, but for what _changes() says.
_READS = b"\x01\x02\x03\x04\x07\x0b\x0c\x11\x14\x18"
_DIAGNOSTICS = const(8)
_IDENTIFICATION = const(43)
_READS_IDENTITY = const(14)  # the type of an encapsulated request that reads (AP 6.21)
_OTHER_SITE = "this request came from a page of another site"
_READ_ONLY = "this panel is read-only: no password is set"
_SIGN_IN = "sign in first"


class Panel:
    """A page for browsers, and what it asks for, as routes of a Microdot.

    app       a Microdot, which an umb.panel.web.WebServer serves beside umb.aio.serve()
    server    a Server, a Gateway or whatever has handle(adu, n, link)
    prefix    what stands before every path, such as "/modbus"
    points    what the view "points" shows: a PointStore, a Poller with all its devices, devices of
              Pollers as {name: Device}, or a umb.panel.source.Source of your own; None: there is
              no such view
    about     about() returns a list of (label, text) for the overview
    buses     buses() returns a list of dicts, one a bus, see docs/how-to/panel.md
    gateway   gateway() returns a dict of clients, queue and slaves, see docs/how-to/panel.md
    settings  an object with load(), rules(), check(), save() and restart(), see there
    password  what umb.panel.passwords.hash_password() returned; None: the page is read-only

    link      the PageLink that the requests of all browsers come over; link.counters counts them

    Raises ValueError for an argument of the wrong kind.
    """

    def __init__(
        self,
        app,
        server,
        *,
        prefix: str = "",
        points=None,
        about=None,
        buses=None,
        gateway=None,
        settings=None,
        password: "str | None" = None,
    ):
        if isinstance(app, type) or not hasattr(app, "route"):
            raise ValueError("app must be a Microdot, not %r" % (app,))
        if isinstance(server, type) or not hasattr(server, "handle"):
            raise wrong("server", server)
        if not isinstance(prefix, str) or (prefix and (prefix[0] != "/" or prefix[-1] == "/")):
            raise ValueError("prefix must be a text like '/modbus', not %r" % (prefix,))
        function("about", about)
        function("buses", buses)
        function("gateway", gateway)
        self.server = server
        self.sessions = Sessions(password)
        self.link = PageLink(server)
        self._prefix = prefix
        self._source = None
        if points is not None:
            self._source = _source_of(points, server)
            self._source.link = self.link
        self._viewers = Viewers(self._source)
        self._about = about
        self._buses = buses
        self._gateway = gateway
        self._settings = settings
        route = self._route
        route(app, "/", self._get_page)
        route(app, "/info", self._get_info)
        route(app, "/pdu", self._post_pdu, "POST")
        route(app, "/login", self._post_login, "POST")
        route(app, "/logout", self._post_logout, "POST")
        if self._source is not None:
            route(app, "/points", self._get_points)
            route(app, "/points", self._post_point, "POST")
            route(app, "/events", self._get_events)
        if settings is not None:
            route(app, "/settings", self._get_settings)
            route(app, "/settings", self._post_settings, "POST")
            route(app, "/restart", self._post_restart, "POST")

    def _route(self, app, path, handler, method="GET"):
        app.route(self._prefix + path, methods=[method])(handler)

    # --- the page, and what it shows

    async def _get_page(self, request):
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Encoding": "gzip",
            "Cache-Control": "no-cache",  # it is asked for again, and not sent if it is the same
            "ETag": ENTITY_TAG,
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        if request.headers.get("If-None-Match") == ENTITY_TAG:
            return b"", 304, headers
        return open_page(), 200, headers

    async def _get_info(self, request):
        info = {
            "about": [] if self._about is None else self._about(),
            "views": [
                name
                for name, view in (
                    ("points", self._source),
                    ("buses", self._buses),
                    ("gateway", self._gateway),
                    ("settings", self._settings),
                )
                if view is not None
            ],
            "buses": [] if self._buses is None else self._buses(),
            "can_sign_in": self.sessions.password is not None,
            "signed_in": self._is_signed_in(request),
            "refused_sign_ins": self.sessions.refused_count,
        }
        if self._gateway is not None:
            info["gateway"] = self._gateway()
        return as_json(info)

    async def _get_points(self, request):
        return _Rows(self._source), 200, {"Content-Type": JSON, "Cache-Control": "no-store"}

    async def _get_events(self, request):
        viewer = self._viewers.open()
        return viewer, 200, {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}

    # --- requests that change something

    async def _post_pdu(self, request):
        body = request.body
        if not 2 <= len(body) <= 1 + _LONGEST_PDU:
            return refusal(400, "post a slave id and a PDU, 2 to 254 bytes")
        refused = self._refuse(request, _changes(body))
        if refused is not None:
            return refused
        return (
            await self.link.ask(body, request.client_addr),
            200,
            {
                "Content-Type": "application/octet-stream",
                "Cache-Control": "no-store",
            },
        )

    async def _post_point(self, request):
        refused = self._refuse(request, True)
        if refused is not None:
            return refused
        posted = given(request)
        if posted is None or not isinstance(posted.get("number"), int):
            return refusal(400, "post an object with number and value")
        if not 0 <= posted["number"] < self._source.count():
            return refusal(404, "there is no such point")
        problem = await self._source.write(posted["number"], posted.get("value"))
        return refusal(409, problem) if problem else as_json({})

    async def _post_login(self, request):
        if self._is_foreign(request):
            return refusal(403, _OTHER_SITE)
        if self.sessions.password is None:
            return refusal(403, _READ_ONLY)
        posted = given(request)
        password = None if posted is None else posted.get("password")
        if not isinstance(password, str):
            return refusal(400, "post an object with the password")
        token = await self.sessions.sign_in(password)
        if token is None:
            return refusal(403, "the password is wrong; wait %d s" % self.sessions.wait_s())
        return as_json({}, self._cookie(token))

    async def _post_logout(self, request):
        if self._is_foreign(request):
            return refusal(403, _OTHER_SITE)
        self.sessions.sign_out(request.cookies.get(_COOKIE))
        return as_json({}, self._cookie("; Max-Age=0"))

    def _cookie(self, value):
        path = self._prefix + "/"
        return "%s=%s; Path=%s; HttpOnly; SameSite=Strict" % (_COOKIE, value, path)

    async def _get_settings(self, request):
        if not self._is_signed_in(request):
            return refusal(401, _SIGN_IN)
        return as_json({"rules": self._settings.rules(), "values": self._settings.load()})

    async def _post_settings(self, request):
        refused = self._refuse(request, True)
        if refused is not None:
            return refused
        posted = given(request)
        if posted is None:
            return refusal(400, "post an object with all settings")
        problems = self._settings.check(posted)
        if problems:
            return as_json({"problems": problems})
        try:
            await self._settings.save(posted)
        except Exception as error:  # noqa: BLE001 - files raise what they like, and JSON, too
            return refusal(507, "the settings were not saved: %s" % (str(error) or "no memory"))
        return as_json({"problems": []})

    async def _post_restart(self, request):
        refused = self._refuse(request, True)
        if refused is not None:
            return refused
        self._settings.restart()
        return as_json({})

    # --- who may do what

    def _refuse(self, request, changes):
        """Return the response that refuses a request, None if it is not refused.

        changes   whether it changes something
        """
        if self._is_foreign(request):
            return refusal(403, _OTHER_SITE)
        if not changes or self._is_signed_in(request):
            return None
        return refusal(401, _READ_ONLY if self.sessions.password is None else _SIGN_IN)

    @staticmethod
    def _is_foreign(request):
        """Return whether a page of another site has made the browser send this request."""
        origin = request.headers.get("Origin")
        host = request.headers.get("Host")
        return not host or origin not in ("http://" + host, "https://" + host)

    def _is_signed_in(self, request):
        return self.sessions.has(request.cookies.get(_COOKIE))


def _source_of(points, server):
    """Return the Source of these points. Raises ValueError."""
    if isinstance(points, Source):
        return points
    from .sources import source_of  # and with it umb.points

    return source_of(points, server)


class _Rows:
    """The points as a JSON array, in pieces: one a point."""

    def __init__(self, source):
        self._source = source
        self._i = -1

    def __iter__(self):
        return self

    def __next__(self):
        self._i += 1
        count = self._source.count()
        if self._i > count:
            raise StopIteration
        if self._i == count:
            return b"]" if count else b"[]"
        row = self._source.describe(self._i)
        row["value"] = shown(row["value"])
        return ("," if self._i else "[") + json.dumps(row)


def _changes(body):
    """Return whether a request, slave id and PDU, may change something.

    Of function code 8 it is all but the echo and the counters (AP 6.8), of function code 43 all
    but the identification: CANopen's requests, which a gateway passes on, can write.
    """
    code = body[1]
    if code == _DIAGNOSTICS:
        reads = len(body) > 3 and body[2] == 0 and (body[3] == 0 or 11 <= body[3] <= 18)
    elif code == _IDENTIFICATION:
        reads = len(body) > 2 and body[2] == _READS_IDENTITY
    else:
        reads = code in _READS
    return not reads
