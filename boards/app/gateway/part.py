"""Part: the role "gateway" of an Application."""

from micropython import const

from umb.gateway import Gateway

from ..drivers import open_serial
from ..masters.clients import Clients
from .ids import slave_ids


_LINE_1_BANK = const(0)  # of the counters
_LINE_2_BANK = const(2)
_COUNTED = (  # what LineCounters have
    "request_count",
    "reply_count",
    "exception_count",
    "no_reply_count",
    "bad_reply_count",
    "retry_count",
    "busy_count",
    "cached_count",
)


def _put(data, at, counters):
    """Put these into eight registers at data[at:]."""
    for i in range(len(_COUNTED)):
        data[at + 2 * i] = getattr(counters, _COUNTED[i]) >> 8
        data[at + 2 * i + 1] = getattr(counters, _COUNTED[i]) & 0xFF


class Part:
    """Passes requests of networks on to the slaves on one or two serial lines, and of hosts.

    routes   pairs of the settings of a line or host, in the order of the Gateway, and the slave
             ids that are there
    """

    PRODUCT = "umb gateway"
    NOTE = "slave id {} is its own: a slave behind it needs another one"
    BANKS = 3
    COUNTED = _COUNTED
    coils = discrete_inputs = input_registers = holding_registers = ()

    def __init__(self, application):
        self._application = application
        self.routes = []

    def make_safe(self):
        """There are no outputs."""

    def open(self):
        """Open the lines, and put the gateway in the place of the device's own server."""
        application = self._application
        clients = Clients(application)
        gateway = None
        for route in application.settings["routes"]:
            try:
                client = clients.get(route)
            except Exception as error:  # noqa: BLE001 - ports raise what they like
                application.state.problems.append(str(error))
                continue
            options = {
                "slave_ids": slave_ids(route["slave_ids"]),
                "timeout_ms": route["timeout_ms"],
                "unit_ids": {int(key): to for key, to in route["unit_ids"].items()} or None,
                "cache_ms": route["cache_ms"],
            }
            if gateway is None:
                gateway = Gateway(
                    client, local=application.server, permit=application.permits, **options
                )
            else:
                gateway.add(client, **options)
            self.routes.append((route, options["slave_ids"]))
            if not route["host"]:
                bank = _LINE_2_BANK if route["line"] == 2 else _LINE_1_BANK
                application.count(bank, gateway.line_counters[-1], _COUNTED, _put)
                if application.log is not None:
                    name = "line {}".format(route["line"])
                    application.log.watch_client_line(name, gateway.line_counters[-1])
        if gateway is not None:
            application.handler = gateway
            application.drivers.append(gateway)
        line2 = application.settings["line2"]
        if line2 is not None and line2["serve"]:
            driver = open_serial(application, 2, self._serve)
            application.serve_with(driver, _LINE_2_BANK)
        elif line2 is not None and not any(
            route["line"] == 2 and not route["host"] for route in application.settings["routes"]
        ):
            text = "no route leads to the second line: all slaves are looked for on the first one"
            application.state.problems.append(text)

    def _serve(self, options):
        from umb.server.rtu import RTUServer

        return RTUServer(server=self._application.front(), **options)
