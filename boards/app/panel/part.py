"""Part: the page of an Application, over umb.panel and the web server microdot."""

from .settings_of_page import PageSettings
from .views import about, buses, gateway_of, points_of


class Part:
    """Serves the page in the network, as a task of asyncio beside the drivers."""

    def __init__(self, application):
        self._application = application
        self._app = None

    def open(self):
        """Load the web server. Where it is not installed, that is a problem, and no more."""
        try:
            from microdot import Microdot
        except ImportError:
            text = "panel: the library microdot is not installed"
            self._application.state.problems.append(text)
            self._application.say(text)
            return
        self._app = Microdot()

    async def run(self):
        """Serve the page until the task is cancelled."""
        if self._app is None:
            return
        from umb.panel import Panel
        from umb.port.listen_errors import cannot_listen

        application = self._application
        settings = application.settings["panel"]
        Panel(
            self._app,
            application.handler,
            about=lambda: about(application),
            buses=lambda: buses(application),
            gateway=gateway_of(application),
            settings=PageSettings(application),
            points=points_of(application),
            password=settings["password"] or None,
        )
        host = application.settings.get("bind", "0.0.0.0")
        try:
            await self._app.start_server(host, settings["port"])
        except OSError as error:
            raise cannot_listen(error, (host, settings["port"]))
        finally:
            if self._app.server is not None:
                self._app.server.close()
                await self._app.server.wait_closed()
