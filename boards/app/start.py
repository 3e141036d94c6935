"""How the application of a board starts."""

import gc
import os
import time

import umb
from micropython import const

from . import config
from .application import Application
from .drivers import described
from .hardware import Hardware
from .loading import load
from .parts import OPTIONAL, part_of

_ESCAPE_S = const(3)


def prepare(board, say):
    """Return the Application, all but open, and print what it is."""
    settings, problems, note = load(board)
    network = join_network(board, settings, problems, say)
    application = Application(
        board, Hardware(), settings, problems, config, say, network, network is not None
    )
    what = "{} {} on {}, slave id {}"
    say(what.format(application.product, umb.__version__, board.NAME, settings["slave_id"]))
    for text in [note] + problems:
        if text:
            say("{}: {}".format(config.FILE, text))
    return application


def begin(application, say):
    """Have an Application listen: from here on masters may ask."""
    settings = application.settings
    problems = application.state.problems
    if settings["rtu"]:
        announce_lines(application.board, settings, say)
    known = len(problems)
    application.open()
    for text in problems[known:]:
        say("problem: {}".format(text))
    if application.is_networked:
        application.listen(lambda error: report(problems, error, say))
    if not application.drivers:
        problems.append("neither the serial line nor a network is served")
        say(problems[-1])
    say("serving; Ctrl-C ends it")  # not printed where the REPL has lost its line


def join_network(board, settings, problems, say):
    """Return an Interface that sets out to connect; None where none is wanted or can be had."""
    if not board.NETWORK:
        return None
    from .network.settings import is_wanted

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
        from .network.wifi import WiFi

        return WiFi(settings, say)
    from .network.wired import Wired

    return Wired(board, settings, say)


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
