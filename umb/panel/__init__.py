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

from micropython import const

from ..check import function, integer, wrong
from .areas import areas_of
from .link import PageLink, changes
from .messages import as_json, as_pieces, given, refusal
from .page import CONTENT_SECURITY_POLICY, ENTITY_TAG, open_page
from .sessions import Sessions

_LONGEST_PDU = const(253)
_COOKIE = "umb_session"
_READ_ONLY = "this panel is read-only: no password is set"
_NAMES = "|info|points|events|settings|pdu|login|logout|restart"  # of what can be asked for


class Panel:
    """A page for browsers, and what it asks for, as routes of a Microdot.

    app       a Microdot, which an umb.panel.web.WebServer serves beside umb.aio.serve()
    server    a Server, a Gateway or whatever has handle(adu, n, link)
    prefix    what stands before every path, such as "/modbus"
    points    what the view "points" shows: a PointStore, a Poller with all its devices, devices of
              Pollers as {name: Device}, or a umb.panel.source.Source of your own; None: there is
              no such view
    slave_id  which slave the view "registers" begins with: 0 to 255, or slave_id() returns it
    max_viewers  how many browsers are told at once when values change. Each takes a connection
              for as long as it shows the page; further ones ask every 3 seconds
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
        slave_id=255,
        max_viewers: int = 4,
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
        if not callable(slave_id):
            integer("slave_id", slave_id, 0, 255)
        integer("max_viewers", max_viewers, 0, 255)
        function("about", about)
        function("buses", buses)
        function("gateway", gateway)
        self.server = server
        self.sessions = Sessions(password)
        self.link = PageLink(server)
        self._prefix = prefix
        self._source = self._viewers = None
        if points is not None:
            self._show(points, max_viewers)
        self._slave_id = slave_id
        self._about = about
        self._buses = buses
        self._gateway = gateway
        self._settings = settings
        # One route: a Microdot keeps 0.4 KB for each.
        app.route("%s/<re:%s:name>" % (prefix, _NAMES), methods=["GET", "POST"])(self._answer)

    def _show(self, points, max_viewers):
        """Load what shows points: a page without any does not need that."""
        from .source import Source
        from .viewers import Viewers

        if not isinstance(points, Source):
            from .sources import source_of  # and with it umb.points

            points = source_of(points, self.server)
        points.link = self.link
        self._source = points
        self._viewers = Viewers(points, max_viewers)

    async def _answer(self, request, name):
        """Answer a request for what has this name: by _get_points() one for "points", say."""
        method = (
            "post" if request.method.upper() == "POST" else "get"
        )  # and HEAD is answered like GET
        handler = getattr(self, "_%s_%s" % (method, name or "page"), None)
        if handler is None or not self._has(name):
            return refusal(404, "there is nothing of this name")
        if method == "post" and self._is_foreign(request):
            return refusal(403, "this request came from a page of another site")
        if not self._may(request, method, name):
            return refusal(401, _READ_ONLY if self.sessions.password is None else "sign in first")
        return await handler(request)

    def _has(self, name):
        """Return whether there is something with this name."""
        if name in ("points", "events"):
            return self._source is not None
        return self._settings is not None or name not in ("settings", "restart")

    def _may(self, request, method, name):
        """Return whether who asks may do that: for some of it one has to sign in."""
        if name == "pdu":
            is_open = not changes(request.body)
        elif method == "post":
            is_open = name in ("login", "logout")
        else:
            is_open = name != "settings"
        return is_open or self._is_signed_in(request)

    @staticmethod
    def _is_foreign(request):
        """Return whether a page of another site has made the browser send this request."""
        origin = request.headers.get("Origin")
        host = request.headers.get("Host")
        return not host or origin not in ("http://" + host, "https://" + host)

    def _is_signed_in(self, request):
        return self.sessions.has(request.cookies.get(_COOKIE))

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
        view = request.args.get("view")  # None: all is wanted
        buses = [] if self._buses is None else self._buses()
        if view not in (None, "buses"):
            buses = [_in_short(bus) for bus in buses]
        slave_id = self._slave_id() if callable(self._slave_id) else self._slave_id
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
            "buses": buses,
            "slave_id": slave_id,
            "areas": areas_of(self.server, slave_id),
            "can_sign_in": self.sessions.password is not None,
            "signed_in": self._is_signed_in(request),
            "refused_sign_ins": self.sessions.refused_count,
        }
        if self._gateway is not None and view in (None, "gateway"):
            info["gateway"] = self._gateway()
        return as_pieces(info)

    async def _get_points(self, request):
        return as_pieces(self._viewers.rows())

    async def _get_events(self, request):
        viewer = self._viewers.open()
        if viewer is None:
            return refusal(503, "too many browsers are told of changes: ask for the points")
        return viewer, 200, {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}

    # --- requests that change something

    async def _post_pdu(self, request):
        body = request.body
        if not 2 <= len(body) <= 1 + _LONGEST_PDU:
            return refusal(400, "post a slave id and a PDU, 2 to 254 bytes")
        return (
            await self.link.ask(body, request.client_addr),
            200,
            {
                "Content-Type": "application/octet-stream",
                "Cache-Control": "no-store",
            },
        )

    async def _post_points(self, request):
        posted = given(request)
        if posted is None or not isinstance(posted.get("number"), int):
            return refusal(400, "post an object with number and value")
        if not 0 <= posted["number"] < self._source.count():
            return refusal(404, "there is no such point")
        problem = await self._source.write(posted["number"], posted.get("value"))
        return refusal(409, problem) if problem else as_json({})

    async def _post_login(self, request):
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
        self.sessions.sign_out(request.cookies.get(_COOKIE))
        return as_json({}, self._cookie("; Max-Age=0"))

    def _cookie(self, value):
        path = self._prefix + "/"
        return "%s=%s; Path=%s; HttpOnly; SameSite=Strict" % (_COOKIE, value, path)

    async def _get_settings(self, request):
        return as_pieces({"rules": self._settings.rules(), "values": self._settings.load()})

    async def _post_settings(self, request):
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
        self._settings.restart()
        return as_json({})


def _in_short(bus):
    """Return what the overview shows of a bus."""
    return {key: bus[key] for key in ("name", "baudrate", "health") if key in bus}
