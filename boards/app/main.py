"""The application on a board: what its main.py runs after each reset."""

import os
import sys
import time

import umb

from . import config
from .application import Application
from .drivers import described
from .hardware import Hardware

_ESCAPE_S = 3
_CRASH_S = 5  # time to interrupt before the next start


def say(text):
    """Print a line on the REPL."""
    print("umb:", text)


def main():
    """Serve until Ctrl-C. After any other end the board is reset."""
    import board

    hardware = Hardware()
    application = None
    try:
        application = start(board, hardware)
        application.serve()
        say("restarting")
    except KeyboardInterrupt:
        say("stopped; a reset starts it again")
        return
    except Exception as error:  # noqa: BLE001 - whatever it is, start again
        give_line(board)
        sys.print_exception(error)
        say("starting again in {} s".format(_CRASH_S))
        time.sleep_ms(_CRASH_S * 1000)
    finally:
        if application is not None:
            application.close()
    hardware.restart()


def start(board, hardware):
    """Return the Application, ready to serve, and print what it is."""
    settings, problems, note = config.load(board)
    wifi = open_wifi(settings, problems)
    application = Application(
        board, hardware, settings, problems, config, say, wifi, wifi is not None
    )
    what = "{} {} on {}, slave id {}"
    say(what.format(application.product, umb.__version__, board.NAME, settings["slave_id"]))
    for text in [note] + problems:
        if text:
            say("{}: {}".format(config.FILE, text))
    if settings["rtu"]:
        announce_lines(board, settings)
    application.open()
    if wifi is not None:
        application.listen(lambda error: report(problems, "Modbus TCP", error))
    if not application.drivers:
        problems.append("neither the serial line nor a network is served")
        say(problems[-1])
    say("serving; Ctrl-C ends it")  # not printed where the REPL has lost its line
    return application


def open_wifi(settings, problems):
    """Return a WiFi that sets out to connect; None where none is wanted or there is no radio."""
    if not settings.get("ssid"):
        return None
    from .network import WiFi

    try:
        return WiFi(settings, say)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("WiFi: {}".format(error))
        return None


def report(problems, what, error):
    """Note and print what could not be had."""
    problems.append("{}: {}".format(what, error))
    say(problems[-1])


def announce_lines(board, settings):
    """Print which serial lines there are going to be."""
    say(described(settings))
    if settings.get("line2"):
        say(described(settings["line2"]))
    if board.REPL_ON_LINE:
        take_line()


def take_line():
    """Take the serial line from the REPL (esp8266 has no other), unless Ctrl-C is pressed."""
    say("that is this line: Ctrl-C within {} s keeps the REPL".format(_ESCAPE_S))
    time.sleep_ms(_ESCAPE_S * 1000)
    os.dupterm(None, 1)


def give_line(board):
    """Give the REPL its line back, if it was taken."""
    if board.REPL_ON_LINE:
        from machine import UART

        os.dupterm(UART(board.UART, 115200), 1)
