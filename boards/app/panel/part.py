"""Part: the page of an Application, over umb.panel and the web server microdot."""

import asyncio
import gc

from micropython import const

_LONGEST_BODY = const(8192)  # bytes of a request: a file of settings
# What has to be free before the page is loaded, in bytes: for its answers, and for its code and
# what is loaded after it, unless that runs from flash: 58 KB and 26 KB. A Pico W has 96 KB beside
# a gateway, 110 KB beside pins.
_FREE_FOR_ANSWERS = const(20 * 1024)
_FREE_FOR_CODE = const(84 * 1024)


def _why_not():
    """Return why there can be no page, in a few words; "" if there can be one."""
    in_memory = __file__.startswith("/lib/")  # it is neither frozen nor in ROMFS
    gc.collect()
    if gc.mem_free() < _FREE_FOR_ANSWERS + (_FREE_FOR_CODE if in_memory else 0):
        return "too little memory: freeze the application into the firmware"
    try:
        import microdot  # noqa: F401 - the largest one: it is loaded before all others
    except ImportError:
        return "the library microdot is not installed"
    return ""


class Part:
    """Serves the page in the network, as a task of asyncio beside the drivers."""

    def __init__(self, application):
        self._application = application
        self._web = None
        self._buses = None
        self._why_not = _why_not()

    def open(self):
        """Make the page. Where there can be none, that is a problem, and no more."""
        if self._why_not:
            self._application.state.problems.append("panel: " + self._why_not)
            return
        from microdot import Microdot, Request

        Request.max_body_length = _LONGEST_BODY
        self._web = self._make(Microdot())

    def _make(self, app):
        """Return the WebServer of the page. Who may ask and what is counted is as in Modbus."""
        from umb.panel import Panel
        from umb.panel.web import WebServer

        from .buses import Buses
        from .settings_of_page import PageSettings
        from .views import about, first_slave_id, gateway_of, points_of

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
