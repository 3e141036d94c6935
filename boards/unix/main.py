"""The unix board's main job: the remote-I/O application over Modbus TCP and, if asked, RTU.

`micropython boards/unix/main.py --help` lists the options. Exit status: 0 after Ctrl-C, 2 if it
could not start, 1 if it lost the serial line.
"""

import errno
import sys

_PARITY = {"N": None, "E": 0, "O": 1}  # as machine.UART counts

_REASONS = {
    errno.EADDRINUSE: "the port is taken",
    errno.EACCES: "not allowed",
    errno.EINVAL: "it refuses this baudrate or parity",
    errno.ENOENT: "no such device",
    25: "not a serial line",  # ENOTTY, which the errno module lacks
    99: "this machine has no such address",  # EADDRNOTAVAIL, as that one
}


class CannotStart(Exception):
    """Says why in one line."""


def main(args):
    """Serve until interrupted; return the exit status."""
    # Imports are here, so that an interrupt while they run is taken as well.
    import options

    from umb.server import serve

    try:
        wanted = options.parse(args)
    except ValueError as error:
        return complain(error, 2)
    if wanted["help"]:
        print(options.usage("micropython boards/unix/main.py", "none: TCP only"))
        return 0
    drivers = []
    try:
        open_all(wanted, drivers)
        serve(*drivers)
    except CannotStart as error:
        return complain(error, 2)
    except OSError as error:
        return complain("lost the line: " + reason(error), 1)
    finally:
        for driver in drivers:
            driver.server_close()


def open_all(wanted, drivers):
    """Put the drivers that are wanted into the list, ready to serve, and say so."""
    from board import Board
    from remote_io import RemoteIO

    from umb.server import Server

    application = RemoteIO(Board())
    server = Server(application.store, slave_ids=(wanted["slave_id"],))
    drivers.append(open_tcp(wanted, server))
    if wanted["serial"]:
        drivers.append(open_rtu(wanted, server))
    application.drivers = tuple(drivers)
    announce(wanted)


def announce(wanted):
    """Print where clients find the slave, and what is where in it."""
    from remote_io import MAP

    print("umb remote I/O, slave id {}".format(wanted["slave_id"]))
    print("  Modbus TCP on {}:{}".format(wanted["host"], wanted["port"]))
    if wanted["serial"]:
        line, note = wanted["serial"], ""
        if wanted["far_end"]:
            line, note = wanted["far_end"], " (a pseudo-terminal has no parity)"
        form = "{} 8{}1".format(wanted["baudrate"], wanted["parity"])
        print("  Modbus RTU on {}, {}{}".format(line, form, note))
    for table, first, last, meaning in MAP:
        addresses = "{}-{}".format(first, last) if last > first else str(first)
        print("  {:17} {:<8} {}".format(table, addresses, meaning))
    print("Ctrl-C ends it.")


def open_tcp(wanted, server):
    """Return a TCP driver that prints who comes and goes; CannotStart if it may not listen."""
    from umb.server.tcp import TCPServer

    host, port = wanted["host"], wanted["port"]
    try:
        return TCPServer((host, port), server, on_connect=greet, on_disconnect=bid_farewell)
    except OSError as error:
        raise CannotStart("cannot listen on {}:{}: {}".format(host, port, reason(error)))


def open_rtu(wanted, server):
    """Return an RTU driver on the serial device; CannotStart if there is none that will do."""
    from umb.port.tty import TTY
    from umb.server.rtu import RTUServer

    path, baudrate, parity = wanted["serial"], wanted["baudrate"], _PARITY[wanted["parity"]]
    try:
        device = TTY(path, baudrate, parity=parity)
        return RTUServer(device, server, baudrate=baudrate, parity=parity)
    except ValueError as error:
        raise CannotStart(error)
    except OSError as error:
        raise CannotStart("cannot open {}: {}".format(path, reason(error)))


def reason(error):
    """Put an OSError into words."""
    if isinstance(error.errno, str):  # getaddrinfo has its own codes, in a text
        return "no such host"
    return _REASONS.get(error.errno) or "error {}".format(error.errno)


def greet(peer):
    """Say that a TCP client came."""
    print("{}:{} connected".format(peer[0], peer[1]))


def bid_farewell(peer):
    """Say that a TCP client went."""
    print("{}:{} disconnected".format(peer[0], peer[1]))


def complain(what, status):
    """Say on stderr what is wrong, in one line; return status."""
    print("remote I/O:", what, file=sys.stderr)
    return status


if __name__ == "__main__":
    boards, root = (sys.path[0].rsplit("/", up)[0] for up in (1, 2))
    sys.path[0:1] = [sys.path[0], boards, root]
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = 0
    sys.exit(status)
