"""The application on a board: what its main.py runs after each reset."""

import gc
import os
import sys
import time

from micropython import const

_CRASH_S = const(5)  # time to interrupt before the next start


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
    except MemoryError:
        give_line(board)
        say("there is too little memory for all that the settings ask for:")
        say("leave out panel or mqtt, or freeze the application into the firmware")
        say("starting again in {} s".format(_CRASH_S))
        time.sleep_ms(_CRASH_S * 1000)
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
    """Return the Application, ready for requests."""
    from .loading import keep

    # Not on an esp32: there a soft reset hides that the power came on, which Access has to know.
    if keep(board) and sys.platform != "esp32":
        import machine

        say("the settings have been checked: starting with them")
        machine.soft_reset()
    from .start import begin, prepare

    application = prepare(board, say)
    gc.collect()  # now: nobody has to wait for it
    begin(application, say)
    application.forget_start()
    return application


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
