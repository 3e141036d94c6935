"""The unix board's main job: the remote-I/O application over Modbus TCP and, if asked, RTU.

`micropython boards/unix/main.py --help` lists the options. Exit status: 0 after Ctrl-C, 2 if it
could not start.
"""

import sys


class CannotStart(Exception):
    """Says why in one line."""


def main(args):
    """Serve until interrupted; return the exit status."""
    # Imports are here, so that an interrupt while they run is taken as well.
    import options

    try:
        wanted = options.parse(args)
    except ValueError as error:
        return complain(error)
    if wanted["help"]:
        print(options.usage("micropython boards/unix/main.py", "none: TCP only"))
        return 0
    from stored_settings import StoredSettings

    stored = StoredSettings(wanted["config"], wanted["given"])
    wanted["wait"] = False  # whether a serial device may be away
    while True:
        drivers = []
        devices = []
        try:
            if wanted["profile"]:
                return serve_file(wanted, stored, drivers, devices)
            application = open_all(wanted, stored, drivers, devices)
            application.serve(drivers)
        except CannotStart as error:
            return complain(error)
        finally:
            for driver in drivers:
                driver.server_close()
            for device in devices:
                device.close()
        print("restarting")
        wanted["wait"] = True


def serve_file(wanted, stored, drivers, devices):
    """Serve the device that a file of points describes. Returns the exit status."""
    import board
    from errno import ENOENT
    from simulated_device import load, serve_profile

    from serial_errors import reason

    settings, _, _ = stored.load(board)
    try:
        points = load(wanted["profile"])
    except OSError as error:
        what = "there is no such file" if error.errno == ENOENT else reason(error)
        raise CannotStart("cannot read {}: {}".format(wanted["profile"], what))
    except ValueError as error:
        raise CannotStart(error)
    try:
        serve_profile(points, wanted, settings, say, devices, drivers, open_device)
    except OSError as error:
        raise CannotStart(error.args[1])
    return 0


def open_all(wanted, stored, drivers, devices):
    """Return the application; put its drivers and their devices into the lists, and say so."""
    import board
    from app.application import Application
    from app.drivers import open_line
    from simulated import Hardware

    hardware = Hardware()
    settings, problems, note = stored.load(board)
    application = Application(board, hardware, settings, problems, stored, say)
    server = None
    if wanted["pins_id"]:
        application.server.add(wanted["pins_id"], hardware.bench)
    if wanted["gateway"]:
        server = open_gateway(wanted, settings, application, devices)
    drivers.append(open_tcp(wanted, settings, application, server))
    if wanted["serial"]:
        device = open_device(wanted["serial"], settings, wanted, devices)
        drivers.append(open_line(application, device, settings, gap_ms=wanted["gap_ms"]))
    for text in [note] + problems:
        if text:
            say("settings: " + text)
    announce(wanted, settings)
    return application


def announce(wanted, settings):
    """Print where clients find the slave, and what is where in it."""
    from app.drivers import line_in_words
    from register_map import lines

    say("umb remote I/O, slave id {}".format(settings["slave_id"]))
    say("  Modbus TCP on {}:{}".format(wanted["host"], wanted["port"]))
    line = line_in_words(settings)
    if wanted["gateway"]:
        say("  gateway to the slaves on {}, {}".format(wanted["gateway"], line))
    if wanted["far_end"]:
        note = " (a pseudo-terminal has no parity)"
        say("  Modbus RTU on {}, {}{}".format(wanted["far_end"], line, note))
    elif wanted["serial"]:
        say("  Modbus RTU on {}, {}".format(wanted["serial"], line))
    if wanted["pins_id"]:
        say("  slave id {} is the other side of the pins".format(wanted["pins_id"]))
    for text in lines(settings):
        say(text)
    say("Ctrl-C ends it.")


def open_tcp(wanted, settings, application, server):
    """Return a TCP driver that prints its connections; CannotStart if it may not listen."""
    from app.drivers import open_network

    address = (wanted["host"], wanted["port"])
    try:
        return open_network(
            application, address, settings, server, on_connect=greet, on_disconnect=bid_farewell
        )
    except OSError as error:
        raise CannotStart(error.args[1])


def open_gateway(wanted, settings, application, devices):
    """Return a gateway to the serial device; CannotStart if there is none that can be used."""
    from app.drivers import line_format
    from umb.client.rtu import RTUClient
    from umb.gateway import Gateway

    device = open_device(wanted["gateway"], settings, wanted, devices)
    client = RTUClient(device, gap_ms=wanted["gap_ms"], **line_format(settings))
    return Gateway(client, local=application.server)


def open_device(path, settings, wanted, devices):
    """Return an Adapter for a serial device; CannotStart if it cannot be opened."""
    from adapter import Adapter
    from app.drivers import line_format
    from serial_errors import reason

    try:
        device = Adapter(path, line_format(settings), say, wanted["wait"])
    except ValueError as error:
        raise CannotStart(error)
    except OSError as error:
        raise CannotStart("cannot open {}: {}".format(path, reason(error)))
    devices.append(device)
    return device


def greet(peer):
    """Print that a TCP client has connected."""
    say("{}:{} connected".format(peer[0], peer[1]))


def bid_farewell(peer):
    """Print that a TCP client has disconnected."""
    say("{}:{} disconnected".format(peer[0], peer[1]))


def say(text):
    """Print a line on the terminal."""
    print(text)


def complain(what):
    """Say on stderr what keeps it from starting, in one line; return the exit status."""
    print("remote I/O:", what, file=sys.stderr)
    return 2


if __name__ == "__main__":
    boards, root = (sys.path[0].rsplit("/", up)[0] for up in (1, 2))
    sys.path[0:1] = [sys.path[0], boards, root]
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = 0
    sys.exit(status)
