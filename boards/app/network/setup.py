"""What a start does about the network: the board joins it, and listens in it."""

import gc

from ..parts import OPTIONAL, part_of
from .settings import is_wanted


def join_network(board, settings, problems, say):
    """Return an Interface that sets out to connect; None where none is wanted or can be had."""
    if not is_wanted(settings):
        return None
    for name in OPTIONAL:
        if settings.get(name):
            gc.collect()  # what these load is large, and the heap is in one piece now
            part_of(name)
    try:
        return join(board, settings, say)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("network: {}".format(error))
        return None


def join(board, settings, say):
    """Return a WiFi or a Wired; raises what the port raises if the board has not got that."""
    if settings["network"] == "wifi":
        from .wifi import WiFi

        return WiFi(settings, say)
    from .wired import Wired

    return Wired(board, settings, say)


def report(problems, error, say):
    """Note and print why the network is not served."""
    problems.append("Modbus TCP: {}".format(error))
    say(problems[-1])


def open_network(application, failed):
    """Return the servers that listen in the network, in a list.

    failed   failed(error) is called for each that cannot
    """
    settings = application.settings
    most = application.board.NETWORK
    more = settings["rtu_tcp_port"]
    if more:
        most -= most // 2
    opened = [_open_tcp(application, settings["tcp_port"], failed, max_clients=most)]
    if more:
        from umb.frame.rtu_stream import RTUStream

        most = max(1, application.board.NETWORK - most)
        opened.append(_open_tcp(application, more, failed, max_clients=most, framer=RTUStream))
    if settings["udp_port"]:
        opened.append(_open_udp(application, settings["udp_port"], failed))
    return [driver for driver in opened if driver is not None]


def _open_tcp(application, port, failed, **options):
    from umb.server.tcp import TCPServer

    options["idle_timeout_ms"] = application.settings["idle_timeout_s"] * 1000
    driver = _listen(TCPServer, application, port, failed, options)
    if application.log is not None and driver is not None:
        application.log.watch_clients(driver)
    return driver


def _open_udp(application, port, failed):
    from umb.server.udp import UDPServer

    return _listen(UDPServer, application, port, failed, {})


def _listen(kind, application, port, failed, options):
    """Return a TCPServer or UDPServer at this port, None if it cannot be had."""
    settings = application.settings
    allow = settings["allow"]
    if application.log is not None:
        allow = application.log.allow(allow)
    try:
        return kind((settings["bind"], port), application.front(), allow=allow, **options)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        failed(error)
        return None
