"""The unix board's main job: the application in any role, over Modbus TCP and serial devices.

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
        return complain("run", error)
    if wanted["help"]:
        print(options.usage("micropython boards/unix/main.py", "none: TCP only"))
        return 0
    from stored_settings import StoredSettings

    stored = StoredSettings(wanted["config"], wanted["given"], wanted["line2"])
    wanted["wait"] = False  # whether a serial device may be away
    while True:
        devices = []
        try:
            if wanted["profile"] and wanted["role"] != "poller":
                return serve_file(wanted, stored, devices)
            serve_application(wanted, stored, devices)
        except CannotStart as error:
            return complain(name_of(wanted), error)
        finally:
            for device in devices:
                device.close()
        print("restarting")
        wanted["wait"] = True


def serve_application(wanted, stored, devices):
    """Serve until a client orders a restart."""
    import board
    from app.application import Application
    from simulated import Hardware

    settings, problems, note = stored.load(board)
    wanted["role"] = settings["role"]
    settings["rtu"] = bool(wanted["devices"][0])
    settings["bind"] = wanted["host"]
    settings["tcp_port"] = wanted["port"]
    if wanted["mqtt"]:
        settings["mqtt"] = mqtt_settings(wanted["mqtt"])
    if wanted["profile"]:
        settings["devices"] = [polled_device(wanted)]
    if wanted["panel"]:
        settings["panel"] = page_settings(wanted)
    hardware = Hardware(open_devices(wanted, settings, devices), wanted["gap_ms"])
    application = Application(board, hardware, settings, problems, stored, say, networked=True)
    try:
        if wanted["pins_id"]:
            application.server.add(wanted["pins_id"], hardware.bench)
        if wanted["profile"]:
            application.drivers += simulated_drivers(wanted)
        application.open()
        application.listen(cannot_listen)
        if settings.get("panel"):
            check_port(wanted["host"], settings["panel"]["port"])
        for text in [note] + problems:
            if text:
                say("settings: " + text)
        announce(wanted, application)
        application.serve()
    finally:
        application.close()


def mqtt_settings(broker):
    """Return the settings of the part "mqtt" for a broker at (host, port)."""
    from app.mqtt.settings import SETTINGS

    settings = {key: rule[0] for key, rule in SETTINGS.items()}
    settings["host"], settings["port"] = broker
    settings["ntp"] = ""  # the PC's clock is right
    return settings


def polled_device(wanted):
    """Return the settings of the device to be polled, which simulated_drivers() serves."""
    path = wanted["profile"]
    return {
        "name": path.rpartition("/")[2].partition(".")[0],
        "slave_id": 1,
        "points": path,
        "interval_ms": 1000,
        "timeout_ms": 1000,
        "serve_as": 2,
        "line": 1,
        "host": "127.0.0.1",
        "port": wanted["port"] + 1,
    }


def simulated_drivers(wanted):
    """Return the drivers of a simulated device, one port above the application's own."""
    from simulated_device import simulate

    try:
        return simulate(load_profile(wanted), ("127.0.0.1", wanted["port"] + 1), say)
    except OSError as error:
        raise CannotStart(error.args[1])


def load_profile(wanted):
    """Return the Points of --profile; CannotStart if there are none."""
    from errno import ENOENT
    from simulated_device import load

    from serial_errors import reason

    try:
        return load(wanted["profile"])
    except OSError as error:
        what = "there is no such file" if error.errno == ENOENT else reason(error)
        raise CannotStart("cannot read {}: {}".format(wanted["profile"], what))
    except ValueError as error:
        raise CannotStart(error)


def page_settings(wanted):
    """Return the settings of the page for browsers that the command line asks for."""
    from umb.panel.passwords import hash_password

    password = wanted["panel_password"]
    return {
        "port": wanted["panel"],
        "password": hash_password(password) if password else "",
    }


def serve_file(wanted, stored, devices):
    """Serve the device that a file of points describes. Returns the exit status."""
    import board
    from simulated_device import serve_profile

    settings, _, _ = stored.load(board)
    points = load_profile(wanted)
    try:
        open_devices(wanted, settings, devices)
        serve_profile(points, wanted, settings, say, devices)
    except OSError as error:
        raise CannotStart(error.args[1])
    return 0


def announce(wanted, application):
    """Print where clients find the slave, and what is where in it."""
    from app.drivers import line_in_words
    from register_map import lines

    settings = application.settings
    say("{}, slave id {}".format(application.product, settings["slave_id"]))
    if application.note:
        say("  " + application.note)
    say("  Modbus TCP on {}:{}".format(wanted["host"], wanted["port"]))
    if wanted["devices"][0]:
        role = settings["role"]
        what = "Modbus RTU" if role == "io" else "{} to the slaves".format(role)
        path = wanted["far_end"] or wanted["devices"][0]
        note = " (a pseudo-terminal has no parity)" if wanted["far_end"] else ""
        say("  {} on {}, {}{}".format(what, path, line_in_words(settings), note))
    line2 = settings.get("line2")
    if line2:
        what = "Modbus RTU" if line2["serve"] else "more slaves"
        say("  {} on {}, {}".format(what, wanted["devices"][1], line_in_words(line2)))
    if wanted["profile"]:
        say("  a simulated device on 127.0.0.1:{}".format(wanted["port"] + 1))
    if settings.get("mqtt"):
        say("  MQTT to {}:{}".format(settings["mqtt"]["host"], settings["mqtt"]["port"]))
    if settings.get("panel"):
        say(
            "  a page for browsers on http://{}:{}/".format(
                wanted["host"], settings["panel"]["port"]
            )
        )
    if settings["role"] == "poller":
        announce_devices(settings["devices"])
    if wanted["pins_id"]:
        say("  slave id {} is the other side of the pins".format(wanted["pins_id"]))
    for text in lines(settings):
        say(text)
    say("Ctrl-C ends it.")


def announce_devices(devices):
    """Print where clients find the values of the devices that a poller reads."""
    for device in devices:
        say("  slave id {} has the points of {}".format(device["serve_as"], device["name"]))
    if not devices:
        say("  there is nothing to poll: give --profile, or name devices in the file of --config")


def open_devices(wanted, settings, devices):
    """Put an Adapter for each serial device into `devices`; CannotStart if one cannot be had.

    Returns them by the number of their UART.
    """
    from adapter import Adapter
    from app.drivers import line_format
    from serial_errors import reason

    opened = {}
    for path, line in zip(wanted["devices"], (settings, settings.get("line2"))):
        if path and line:
            try:
                devices.append(Adapter(path, line_format(line), say, wanted["wait"]))
            except ValueError as error:
                raise CannotStart(error)
            except OSError as error:
                raise CannotStart("cannot open {}: {}".format(path, reason(error)))
            opened[line["uart"]] = devices[-1]
    return opened


def check_port(host, port):
    """End a program whose page for browsers could not be served, before it says where it is."""
    from umb.port.sockets import listen

    try:
        listen((host, port), 1).close()
    except OSError as error:
        cannot_listen(error)


def cannot_listen(error):
    """End a program that cannot serve as it was told to."""
    raise CannotStart(error.args[-1])


def say(text):
    """Print a line on the terminal."""
    print(text)


def name_of(wanted):
    """Return what it is that these options start, for messages."""
    if wanted["role"] != "io":
        return wanted["role"]
    return "simulated device" if wanted["profile"] else "remote I/O"


def complain(name, what):
    """Say on stderr what keeps it from starting, in one line; return the exit status."""
    print(name + ":", what, file=sys.stderr)
    return 2


if __name__ == "__main__":
    boards, root = (sys.path[0].rsplit("/", up)[0] for up in (1, 2))
    sys.path[0:1] = [sys.path[0], boards, root]
    try:
        status = main(sys.argv[1:])
    except KeyboardInterrupt:
        status = 0
    sys.exit(status)
