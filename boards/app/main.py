"""The application on a board: what its main.py runs after each reset."""

import os
import sys
import time

import umb

from . import config
from .application import PRODUCT, Application
from .defaults import defaults
from .drivers import line_in_words, open_line, open_network
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
    drivers = []
    try:
        start(board, hardware, drivers).serve(drivers)
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
        for driver in drivers:
            driver.server_close()
    hardware.restart()


def start(board, hardware, drivers):
    """Return the Application, its drivers in the list `drivers`, and print what it serves."""
    settings, problems, note = config.load(board)
    wifi = open_wifi(settings, problems)
    application = Application(board, hardware, settings, problems, config, say, wifi)
    what = "{} {} on {}, slave id {}"
    say(what.format(PRODUCT, umb.__version__, board.NAME, settings["slave_id"]))
    if wifi is not None:
        serve_network(board, settings, application, drivers)
    for text in [note] + problems:
        if text:
            say("{}: {}".format(config.FILE, text))
    if settings["rtu"]:
        serve_line(board, settings, application, drivers)
    if not drivers:
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


def serve_network(board, settings, application, drivers):
    """Listen for Modbus TCP, whether the network is there yet or not."""
    address = ("0.0.0.0", settings["tcp_port"])
    try:
        driver = open_network(application, address, settings, max_clients=board.NETWORK)
        drivers.append(driver)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        application.state.problems.append("Modbus TCP: {}".format(error))


def serve_line(board, settings, application, drivers):
    """Serve Modbus RTU; where the line that is wanted cannot be had, on the board's own."""
    say(describe(settings))
    if board.REPL_ON_LINE:
        take_line()
    try:
        driver = make_line(application, settings)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        application.state.problems.append(str(error))
        default = defaults(board)
        say("{} instead: {}".format(describe(default), error))
        driver = make_line(application, default)
    drivers.insert(0, driver)  # the first driver sleeps for all, and its times are the shortest


def describe(settings):
    """Return the line in words."""
    return "Modbus RTU on UART {}, {}".format(settings["uart"], line_in_words(settings))


def make_line(application, settings):
    """Return the driver of the serial line. Raises what the port raises."""
    de = settings["de"]
    return open_line(
        application,
        settings["uart"],
        settings,
        tx=settings["tx"],
        rx=settings["rx"],
        de=de and de["pin"],
        de_active=0 if de and de["invert"] else 1,
    )


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
