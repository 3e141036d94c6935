"""Part: the role "poller" of an Application."""

from micropython import const

from umb.points import Points
from umb.poller import Poller
from umb.poller.mirror import Mirror

from ..masters.clients import Clients

_COUNTERS = const(200)  # the first input register of what is counted of devices
_SIZE = const(16)  # registers of each


class Part:
    """Polls devices on one or two serial lines, and at hosts, and serves on what they have.

    pollers   a Poller for each line and host
    targets   the settings of a device of each, which name its line or host
    devices   {name: Device}
    """

    PRODUCT = "umb poller"
    NOTE = ""
    BANKS = 2
    coils = discrete_inputs = holding_registers = ()

    def __init__(self, application):
        self._application = application
        self.pollers = []
        self.targets = []
        self.devices = {}
        self._served = []  # (slave id, Device)
        counters = []
        clients = Clients(application)
        for settings in application.settings["devices"]:
            try:
                device = self._poll(self._poller(clients.get(settings), settings), settings)
            except Exception as error:  # noqa: BLE001 - ports and files raise what they like
                self._report("{}: {}".format(settings["name"], error))
                continue
            self.devices[settings["name"]] = device
            self._served.append((settings["serve_as"], device))
            counters.append(device.registers(_COUNTERS + _SIZE * len(counters)))
        self.input_registers = tuple(counters)

    def _report(self, what):
        self._application.state.problems.append("devices: " + what)

    def make_safe(self):
        """There are no outputs."""

    def open(self):
        """Run the pollers, and serve what they read."""
        application = self._application
        application.drivers.extend(self.pollers)
        for slave_id, device in self._served:
            try:
                application.server.add(slave_id, Mirror(device))
            except ValueError as error:  # points that overlap
                self._report("slave {} is not served on: {}".format(slave_id, error))

    def _poller(self, client, settings):
        """Return the Poller of a client, made when it is asked for first."""
        for poller in self.pollers:
            if poller.client is client:
                return poller
        poller = Poller(client, on_error=self._tell_error)
        log = self._application.log
        if log is not None:
            where = settings["host"] or "line {}".format(settings["line"])
            log.watch_client(where, client)
            if not settings["host"]:
                log.watch_poller(where, poller)
            poller.on_state = self._tell_state
        self.pollers.append(poller)
        self.targets.append(settings)
        return poller

    def _poll(self, poller, settings):
        """Return the Device that these settings describe."""
        points = settings["points"]
        points = Points(points) if isinstance(points, list) else Points.load(points)
        return poller.device(
            settings["slave_id"],
            points,
            interval_ms=settings["interval_ms"],
            timeout_ms=settings["timeout_ms"],
        )

    def _name(self, device):
        for name in self.devices:
            if self.devices[name] is device:
                return name
        return ""

    def _tell_state(self, device, state):
        self._application.say("{} is {}".format(self._name(device), state))

    def _tell_error(self, device, name, error):
        self._application.say("{}: {} is not written: {}".format(self._name(device), name, error))
