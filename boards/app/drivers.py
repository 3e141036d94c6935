"""The drivers of the application: what the board's main.py and that of boards/unix share."""

_PARITY = {"N": None, "E": 0, "O": 1}  # as machine.UART has it


def line_format(settings):
    """Return the keywords baudrate, parity and stop of machine.UART, RTUServer and RTUClient."""
    return {
        "baudrate": settings["baudrate"],
        "parity": _PARITY[settings["parity"]],
        "stop": settings["stop"],
    }


def open_line(application, uart, settings, **options):
    """Return an RTUServer on this UART for the application. Raises what the port raises."""
    from umb.server.rtu import RTUServer

    options.update(line_format(settings))
    driver = RTUServer(uart, application.server, **options)
    application.report(driver)
    return driver


def open_network(application, address, settings, server=None, **options):
    """Return a TCPServer at (host, port) for the application. Raises OSError.

    server   what answers, if it is not the application alone: a Gateway
    """
    from umb.server.tcp import TCPServer

    options["idle_timeout_ms"] = settings["idle_timeout_s"] * 1000
    driver = TCPServer(address, server or application.server, **options)
    application.report(driver)
    return driver


def line_in_words(settings):
    """Return the format of the serial line, such as 19200 8E1."""
    return "{} 8{}{}".format(settings["baudrate"], settings["parity"], settings["stop"])
