"""Part: the role "poller" of an Application."""

from umb.points import Points
from umb.poller import Poller

from ..masters.clients import Clients


class Part:
    """Polls devices on one or two serial lines, and at hosts."""

    PRODUCT = "umb poller"
    BANKS = 3
    coils = discrete_inputs = input_registers = holding_registers = ()

    def __init__(self, application):
        self._application = application
        self.pollers = []
        self.devices = {}  # name: Device

    def make_safe(self):
        """There are no outputs."""

    def open(self):
        """Make a Poller for each line and host, and its devices."""
        application = self._application
        clients = Clients(application)
        pollers = {}
        for settings in application.settings["devices"]:
            try:
                client = clients.get(settings)
                if client not in pollers:
                    pollers[client] = Poller(client)
                    application.drivers.append(pollers[client])
                    self.pollers.append(pollers[client])
                self._poll(pollers[client], settings)
            except Exception as error:  # noqa: BLE001 - ports raise what they like
                problem = "devices: {}: {}".format(settings["name"], error)
                application.state.problems.append(problem)

    def _poll(self, poller, settings):
        points = settings["points"]
        points = Points(points) if isinstance(points, list) else Points.load(points)
        name = settings["name"] or "slave %d" % settings["serve_as"]
        self.devices[name] = poller.device(
            settings["slave_id"],
            points,
            interval_ms=settings["interval_ms"],
            timeout_ms=settings["timeout_ms"],
        )
