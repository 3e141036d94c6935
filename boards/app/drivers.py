"""Serial lines and networks: what opens them with the settings of the application."""

from .defaults import defaults

_PARITY = {"N": None, "E": 0, "O": 1}  # as machine.UART has it


def line_format(settings):
    """Return the keywords baudrate, parity and stop of machine.UART, RTUServer and RTUClient."""
    return {
        "baudrate": settings["baudrate"],
        "parity": _PARITY[settings["parity"]],
        "stop": settings["stop"],
    }


def line_in_words(settings):
    """Return the format of the serial line, such as 19200 8E1."""
    return "{} 8{}{}".format(settings["baudrate"], settings["parity"], settings["stop"])


def described(settings):
    """Return a serial line of a board in words."""
    return "Modbus RTU on UART {}, {}".format(settings["uart"], line_in_words(settings))


def open_serial(application, number, make):
    """Return make(options) for serial line 1 or 2.

    options   the keywords that RTUServer and RTUClient share, `uart` among them

    Where line 1 cannot be had as it is wanted, it is the board's own. Raises what the port raises
    if that cannot be had either, or line 2.
    """
    settings = application.settings if number == 1 else application.settings["line2"]
    options = _options(application, settings)
    try:
        return make(options)
    except Exception as error:
        if number != 1:
            raise
        application.state.problems.append(str(error))
        own = defaults(application.board)
        application.say("{} instead: {}".format(described(own), error))
    return make(_options(application, own))


def _options(application, settings):
    options = application.hardware.line(settings)
    options.update(line_format(settings))
    return options


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
