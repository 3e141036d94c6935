"""Serial lines: what opens them with the settings of the application."""

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
