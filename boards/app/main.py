"""The application on a board: what its main.py runs after each reset."""

import os
import sys
import time

import umb
from umb.serve import serve

import app

from . import config
from .application import PRODUCT, Application
from .hardware import Hardware

_PARITY = {"N": None, "E": 0, "O": 1}  # as machine.UART counts
_ESCAPE_S = 3
_CRASH_S = 5  # time to interrupt before the next start


def say(text):
    """Tell whoever looks at the REPL."""
    print("umb:", text)


def main():
    """Serve until Ctrl-C. Whatever else ends that starts the board anew."""
    import board

    hardware = Hardware()
    drivers = []
    try:
        start(board, hardware, drivers)
        serve(*drivers)
        say("restarting")
    except KeyboardInterrupt:
        say("stopped; a reset starts it again")
        return
    except Exception as error:  # noqa: BLE001 - nobody is there to see to it
        give_line(board)
        sys.print_exception(error)
        say("starting again in {} s".format(_CRASH_S))
        time.sleep_ms(_CRASH_S * 1000)
    finally:
        for driver in drivers:
            driver.server_close()
    hardware.restart()


def start(board, hardware, drivers):
    """Put what is to be served into the list `drivers`, and tell what that is."""
    settings, faults, note = config.load(board)
    sys.modules.pop("app.check")  # not needed any more: let its memory go
    del app.check
    wifi = open_wifi(settings, faults)
    application = Application(board, hardware, settings, faults, config.save, wifi)
    drivers.append(application.keeper)
    what = "{} {} on {}, slave id {}"
    say(what.format(PRODUCT, umb.__version__, board.NAME, settings["slave_id"]))
    if wifi is not None:
        open_network(board, settings, application, drivers)
    for text in [note] + faults:
        if text:
            say("{}: {}".format(config.FILE, text))
    if settings["rtu"]:
        open_line(board, settings, application, drivers)
    say("serving; Ctrl-C ends it")  # nobody sees it where the REPL has lost its line


def open_wifi(settings, faults):
    """A WiFi that sets out to connect; None where none is wanted or there is no radio."""
    if not settings.get("ssid"):
        return None
    from .network import WiFi

    try:
        return WiFi(settings, say)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        faults.append("WiFi: {}".format(error))
        return None


def open_network(board, settings, application, drivers):
    """Listen for Modbus TCP, whether the network is there yet or not."""
    from umb.server.tcp import TCPServer

    address = ("0.0.0.0", settings["tcp_port"])
    try:
        driver = TCPServer(address, application.server, max_clients=board.NETWORK)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        application.faults.append("Modbus TCP: {}".format(error))
        return
    drivers.insert(0, driver)  # the keeper has no poller to share
    application.attach(driver)


def open_line(board, settings, application, drivers):
    """Serve Modbus RTU; where the line that is wanted cannot be had, on the board's own."""
    say(describe(settings))
    if board.REPL_ON_LINE:
        take_line()
    try:
        driver = make_line(settings, application.server)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        from .check import Checked

        application.faults.append(str(error))
        default = Checked({}, board).settings
        say("{} instead: {}".format(describe(default), error))
        driver = make_line(default, application.server)
    drivers.insert(0, driver)  # the keeper has no poller to share
    application.attach(driver)


def describe(settings):
    """The line in words."""
    form = [settings[key] for key in ("uart", "baudrate", "parity", "stop")]
    return "Modbus RTU on UART {}, {} 8{}{}".format(*form)


def make_line(settings, server):
    """The driver of the serial line. Raises what the port has against it."""
    from umb.server.rtu import RTUServer

    de = settings["de"]
    return RTUServer(
        settings["uart"],
        server,
        baudrate=settings["baudrate"],
        parity=_PARITY[settings["parity"]],
        stop=settings["stop"],
        tx=settings["tx"],
        rx=settings["rx"],
        de=de and de["pin"],
        de_active=0 if de and de["invert"] else 1,
    )


def take_line():
    """Take the serial line from the REPL (esp8266 has but one), unless somebody is there."""
    say("that is this line: Ctrl-C within {} s keeps the REPL".format(_ESCAPE_S))
    time.sleep_ms(_ESCAPE_S * 1000)
    os.dupterm(None, 1)


def give_line(board):
    """Give the REPL its line back, if it was taken."""
    if board.REPL_ON_LINE:
        from machine import UART

        os.dupterm(UART(board.UART, 115200), 1)
