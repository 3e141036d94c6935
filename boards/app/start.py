"""How the application of a board starts."""

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


def prepare(board, say):
    """Return the Application, all but open, and print what it is."""
    settings, problems, note = load(board)
    network = None
    if board.NETWORK:
        from .network.setup import join_network

        network = join_network(board, settings, problems, say)
    application = Application(
        board, Hardware(), settings, problems, config, say, network, network is not None
    )
    what = "{} {} on {}, slave id {}"
    say(what.format(application.product, umb.__version__, board.NAME, settings["slave_id"]))
    if application.note:
        say(application.note)
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
        from .network.setup import report

        application.listen(lambda error: report(problems, error, say))
    if not application.drivers:
        problems.append("neither the serial line nor a network is served")
        say(problems[-1])
    say("serving; Ctrl-C ends it")  # not printed where the REPL has lost its line


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
