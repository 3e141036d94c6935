"""The application on a board: what its main.py runs after each reset."""

import gc
import os
import sys
import time

from micropython import const

_CRASH_S = const(5)  # time to interrupt before the next start
# What is needed to make an application, and takes 20 KB: the rules and texts of settings, and what
# puts all together,
_OF_MAKING = (
    "assembly loading check parts io.settings io.opening gateway.settings poller.settings"
    " masters.settings network.settings panel.settings mqtt.settings"
)
# and what is needed to open its lines.
_OF_OPENING = "start drivers defaults hardware masters.clients gateway.ids"


def say(text):
    """Print a line on the REPL."""
    print("umb:", text)


def main():
    """Serve until Ctrl-C. After any other end the board is reset."""
    import board

    application = None
    try:
        application = start(board)
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
    restart()


def start(board):
    """Return the Application, ready to serve, with nothing in memory that only its start needs.

    Most of that is dropped before the lines are opened: nobody has to wait for it.
    """
    from .start import begin, prepare

    application = prepare(board, say)
    for name in _OF_MAKING.split():
        forget("app." + name)
    gc.collect()
    begin(application, say)
    application.settle()
    for name in _OF_OPENING.split():
        forget("app." + name)
    return application


def forget(name):
    """Free the memory of a module that nobody has: it is loaded again if it is imported again.

    MicroPython keeps what was imported in two places.
    """
    if sys.modules.pop(name, None) is not None:
        package, _, name = name.rpartition(".")
        setattr(sys.modules[package], name, None)


def restart():
    """Start again, as if the power had been switched on."""
    import machine

    time.sleep_ms(50)  # let what was printed leave
    machine.reset()


def give_line(board):
    """Give the REPL its line back, if it was taken."""
    if board.REPL_ON_LINE:
        from machine import UART

        os.dupterm(UART(board.UART, 115200), 1)
