"""Part: the page of an Application, over umb.panel and the web server microdot."""

try:
    from microdot import Microdot, Request  # the largest one: before all others
except ImportError:
    Microdot = Request = None
import asyncio

from .buses import Buses
from .settings_of_page import PageSettings
from .views import about, first_slave_id, gateway_of, points_of

_LONGEST_BODY = 8192  # bytes of a request: a file of settings


class Part:
    """Serves the page in the network, as a task of asyncio beside the drivers."""

    def __init__(self, application):
        self._application = application
        self._web = None
        self._buses = None

    def open(self):
        """Make the page. Where the web server is not installed, that is a problem, and no more."""
        if Microdot is None:
            text = "panel: the library microdot is not installed"
            self._application.state.problems.append(text)
            self._application.say(text)
            return
        Request.max_body_length = _LONGEST_BODY
        self._web = self._make(Microdot())

    def _make(self, app):
        """Return the WebServer of the page. Who may ask and what is counted is as in Modbus."""
        from umb.panel import Panel
        from umb.panel.web import WebServer

        application = self._application
        settings = application.settings
        self._buses = buses = Buses(application)
        panel = Panel(
            app,
            application.front(),
            slave_id=lambda: first_slave_id(application, buses),
            max_viewers=max(1, application.board.NETWORK // 2),  # others need connections, too
            about=lambda: about(application),
            buses=buses.shown,
            gateway=gateway_of(application, buses),
            settings=PageSettings(application),
            points=points_of(application),
            password=settings["panel"]["password"] or None,
        )
        application.state.counters.append(panel.link.counters)
        allow = settings.get("allow")
        if application.log is not None:
            allow = application.log.allow(allow)
        address = (settings.get("bind", "0.0.0.0"), settings["panel"]["port"])
        return WebServer(app, address, allow=allow)

    async def run(self):
        """Serve the page until the task is cancelled."""
        if self._web is None:
            return
        fronts = self._application.state.fronts
        if self._web not in fronts:
            fronts.append(self._web)
        watching = asyncio.create_task(self._buses.watch())
        try:
            await self._web.serve()
        finally:
            watching.cancel()
