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

    from umb.serve import serve

    try:
        wanted = options.parse(args)
    except ValueError as error:
        return complain(error, 2)
    if wanted["help"]:
        print(options.usage("micropython boards/unix/main.py", "none: TCP only"))
        return 0
    from kept import Kept

    kept = Kept(wanted["config"], wanted["given"])
    while True:
        drivers = []
        try:
            open_all(wanted, kept, drivers)
            serve(*drivers)
        except CannotStart as error:
            return complain(error, 2)
        except OSError as error:
            return complain("lost the line: " + reason(error), 1)
        finally:
            for driver in drivers:
                driver.server_close()
        print("restarting")


def open_all(wanted, kept, drivers):
    """Put the drivers that are wanted into the list, ready to serve, and say so."""
    import board
    from app.application import Application
    from simulated import Hardware

    hardware = Hardware()
    settings, faults, note = kept.load(board)
    for key in ("slave_id", "baudrate", "parity", "stop"):
        wanted[key] = settings[key]
    application = Application(board, hardware, settings, faults, kept.save)
    server = application.server
    if wanted["pins_id"]:
        server.add(wanted["pins_id"], hardware.bench)
    drivers.append(application.keeper)
    gateway = open_gateway(wanted, server) if wanted["gateway"] else None
    drivers.insert(0, open_tcp(wanted, gateway or server))
    application.attach(drivers[0])
    if gateway:
        drivers.append(gateway)
    if wanted["serial"]:
        drivers.insert(1, open_rtu(wanted, server))
        application.attach(drivers[1])
    for text in [note] + faults:
        if text:
            print("settings: " + text)
    announce(wanted, settings)


def announce(wanted, settings):
    """Print where clients find the slave, and what is where in it."""
    from register_map import lines

    print("umb remote I/O, slave id {}".format(wanted["slave_id"]))
    print("  Modbus TCP on {}:{}".format(wanted["host"], wanted["port"]))
    form = "{} 8{}{}".format(wanted["baudrate"], wanted["parity"], wanted["stop"])
    if wanted["gateway"]:
        print("  gateway to the slaves on {}, {}".format(wanted["gateway"], form))
    if wanted["serial"]:
        line, note = wanted["serial"], ""
        if wanted["far_end"]:
            line, note = wanted["far_end"], " (a pseudo-terminal has no parity)"
        print("  Modbus RTU on {}, {}{}".format(line, form, note))
    for line in lines(settings):
        print(line)
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
    from umb.server.rtu import RTUServer

    def make(device, **form):
        return RTUServer(device, server, **form)

    return on_line(wanted, wanted["serial"], make)


def open_gateway(wanted, server):
    """Return a gateway to the serial device; CannotStart if there is none that will do."""
    from umb.client.rtu import RTUClient
    from umb.gateway import Gateway

    return Gateway(on_line(wanted, wanted["gateway"], RTUClient), local=server)


def on_line(wanted, path, make):
    """Return make(device, baudrate=, parity=, stop=) for a serial device; or CannotStart."""
    from umb.port.tty import TTY

    form = {"parity": _PARITY[wanted["parity"]], "stop": wanted["stop"]}
    try:
        device = TTY(path, wanted["baudrate"], **form)
        return make(device, baudrate=wanted["baudrate"], **form)
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
