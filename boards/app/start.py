"""How the application of a board starts. Loaded for that, and dropped then."""

import os
import time

import umb
from micropython import const

from . import config
from .application import Application
from .drivers import described
from .hardware import Hardware
from .loading import load

_ESCAPE_S = const(3)


def start(board, say):
    """Return the Application, ready to serve, and print what it is."""
    settings, problems, note = load(board)
    wifi = open_wifi(settings, problems, say)
    application = Application(
        board, Hardware(), settings, problems, config, say, wifi, wifi is not None
    )
    what = "{} {} on {}, slave id {}"
    say(what.format(application.product, umb.__version__, board.NAME, settings["slave_id"]))
    for text in [note] + problems:
        if text:
            say("{}: {}".format(config.FILE, text))
    if settings["rtu"]:
        announce_lines(board, settings, say)
    application.open()
    if wifi is not None:
        application.listen(lambda error: report(problems, error, say))
    if not application.drivers:
        problems.append("neither the serial line nor a network is served")
        say(problems[-1])
    say("serving; Ctrl-C ends it")  # not printed where the REPL has lost its line
    return application


def open_wifi(settings, problems, say):
    """Return a WiFi that sets out to connect; None where none is wanted or there is no radio."""
    if not settings.get("ssid"):
        return None
    from .network import WiFi

    try:
        return WiFi(settings, say)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("WiFi: {}".format(error))
        return None


def report(problems, error, say):
    """Note and print why the network is not served."""
    problems.append("Modbus TCP: {}".format(error))
    say(problems[-1])


def announce_lines(board, settings, say):
    """Print which serial lines there are going to be."""
    say(described(settings))
    if settings.get("line2"):
        say(described(settings["line2"]))
    if board.REPL_ON_LINE:
        take_line(say)


def take_line(say):
    """Take the serial line from the REPL (esp8266 has no other), unless Ctrl-C is pressed."""
    say("that is this line: Ctrl-C within {} s keeps the REPL".format(_ESCAPE_S))
    time.sleep_ms(_ESCAPE_S * 1000)
    os.dupterm(None, 1)
