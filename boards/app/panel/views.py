"""What the page shows of an Application, as umb.panel.Panel takes it."""

import sys

import umb


def about(application):
    """Return pairs of a label and a text."""
    settings = application.settings
    state = application.state
    version = ".".join(str(number) for number in sys.implementation[1][:3])
    address = state.address
    pairs = [
        ("Name", settings["name"] or application.product),
        ("Board", application.board.NAME),
        ("Role", settings["role"]),
        ("Firmware", "umb %s, MicroPython %s" % (umb.__version__, version)),
        ("Uptime", in_words(state.uptime_s)),
        ("Slave id", settings["slave_id"]),
        ("Modbus TCP", "port %d" % settings["tcp_port"]),
    ]
    if address != (0, 0):
        octets = (address[0] >> 8, address[0] & 255, address[1] >> 8, address[1] & 255)
        pairs.append(("Address", "%d.%d.%d.%d" % octets))
    if state.network_down:
        pairs.append(("Network", "looking for %s" % settings["ssid"]))
    if state.fail_safe:
        pairs.append(("Outputs", "safe: no request for %d s" % settings["failsafe_s"]))
    pairs.append(("Free memory", "%d KB" % (state.free_bytes // 1024)))
    state.free_wanted = True  # the Keeper counts it when that delays nobody
    for problem in state.problems:
        pairs.append(("Problem", problem))
    return pairs


def in_words(seconds):
    """Return a time in days, hours, minutes and seconds."""
    days, seconds = divmod(seconds, 86400)
    text = "%d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
    return "%d d %s" % (days, text) if days else text


def gateway_of(application, buses):
    """Return the function that tells who asks the gateway; None if there is no gateway."""
    gateway = application.handler
    if gateway is application.server:
        return None

    def look():
        clients = []
        for driver in application.drivers:
            clients.extend(driver.peers() if hasattr(driver, "peers") else ())
        return {
            "clients": ["%s:%d" % peer for peer in clients],
            "queue": gateway.waiting(),
            "slaves": _slaves_of(buses),
        }

    return look


def _slaves_of(buses):
    """Yield a dict for each slave behind the gateway, with the name of its line."""
    for bus in buses.asked:
        for slave in bus.slaves(bus.name):
            yield slave


def first_slave_id(application, buses):
    """Return the slave id that somebody who reads registers begins with.

    That is the device itself; for a gateway the first slave that answers, or that is to be there.
    """
    if application.handler is application.server:
        return application.settings["slave_id"]
    for bus in buses.asked:
        for slave_id in bus.record.online():
            return slave_id
    return application.parts[0].routes[0][1][0]


def points_of(application):
    """Return what is shown as points; None for nothing."""
    role = application.settings["role"]
    source = None
    if role == "poller":
        from umb.panel.sources import source_of

        source = source_of(application.parts[0].devices, application.handler)
    elif role == "io":
        from .sources import Pins

        source = Pins(application)
    if source is not None and application.settings["read_only"]:
        from .sources import ReadOnly

        return ReadOnly(source)
    return source
