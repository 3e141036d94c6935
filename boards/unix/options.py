"""Command line of the unix board's main.py. Runs in Python too, for tools/dev.py."""

_DEFAULTS = {
    "help": False,
    "host": "127.0.0.1",
    "port": 5020,
    "role": "io",
    "slave_id": 1,
    "serial": None,
    "serial2": None,
    "gateway": None,
    "baudrate": 19200,
    "parity": "E",
    "gap_ms": 20,
    "far_end": None,  # the device that clients open, if that is not the one of --serial
    "config": None,  # the file of settings
    "profile": None,  # a file of points, which is served in place of the application
    "mqtt": None,  # (host, port) of a broker
    "panel": None,  # the port of the page for browsers
    "panel_password": None,
    "verbose": False,
    "pins_id": None,  # the slave id of the other side of the simulated pins
}

_USAGE = """\
usage: {} [OPTIONS]

Runs the application of boards/ on the unix port of MicroPython, over a TCP socket and serial
lines.

  --role ROLE      io: remote I/O, a slave with simulated pins, on TCP and a serial line
                   gateway: from TCP to the slaves on serial lines
                   poller: reads the devices that --config or --profile names, and serves
                   their values on
                   Without --role: what the file of --config says, else io
  --host HOST      address to listen at              127.0.0.1
  --port PORT      TCP port, 1 to 65535              5020
  --slave-id ID    its own slave id, 1 to 247        1; a gateway's: 247
  --serial DEVICE  serial device for Modbus RTU      {}
  --serial2 DEVICE serial device of a second line of slaves, of a gateway or poller
  --gateway DEVICE --role gateway with the slaves on this device; --serial is for masters then
  --baudrate RATE  baud rate of the serial line      19200
  --parity P       N, E or O                         E
  --gap-ms MS      longest pause inside a frame      20: more for slow USB adapters
  --config FILE    settings, as a board's /umb.json  none: kept in memory
  --verbose        print a line for each request
  --pins-id ID     serve the simulated pins, too, as a slave of this id
  --profile FILE   serve a device that this file of points describes, with values that move;
                   with --role poller: poll such a device, and serve its values on
  --mqtt HOST[:PORT]  publish values to this MQTT broker, and to Home Assistant
  --panel[=PORT]   serve a page for browsers         8080 if no port is given
  --panel-password TEXT  who knows it may change things there; without it the page is read-only
  --help           this text"""

_PANEL_PORT = "8080"


def usage(program, without_serial="a pseudo-terminal"):
    """Return the help text."""
    return _USAGE.format(program, without_serial)


def parse(args):
    """Return a dict of options from a list of arguments; ValueError names the wrong one.

    Its key "given" has a dict of those that the arguments name.
    """
    options = dict(_DEFAULTS)
    options["given"] = given_here = {}
    args = list(args)
    while args:
        name, given, value = args.pop(0).partition("=")
        if name in _FLAGS:
            given_here[_FLAGS[name]] = True
            continue
        if name == "--panel" and not given:
            value = given = _PANEL_PORT
        convert = _CONVERT.get(name)
        if convert is None and given_here.get("panel") and name.isdigit():
            raise ValueError("the port of the page is joined to its option: --panel=" + name)
        if convert is None:
            raise ValueError("unknown argument " + name + "; --help lists them")
        if not given:
            if not args:
                raise ValueError(name + " needs a value")
            value = args.pop(0)
        given_here[name[2:].replace("-", "_")] = convert(name, value)
    options.update(given_here)
    _check_together(options)
    _assign_devices(options)
    return options


def _assign_devices(options):
    """Add "devices", the paths of UARTs 0 and 1, and "line2", a setting if there is a second one.

    Every line has the format of the command line.
    """
    given = options["given"]
    line2 = {"uart": 1}
    if options["gateway"]:
        given["role"] = "gateway"
        line2["serve"] = True
        options["devices"] = (options["gateway"], options["serial"])
    else:
        options["devices"] = (options["serial"], options["serial2"])
    for key in ("baudrate", "parity"):
        if key in given:
            line2[key] = given[key]
    options["line2"] = line2 if options["devices"][1] else None


def _check_together(options):
    """Raise ValueError for options that exclude each other."""
    if options["profile"]:
        for name in ("gateway", "config", "pins_id"):
            if options[name]:
                raise ValueError(
                    "--profile and --{} exclude each other".format(name.replace("_", "-"))
                )
        for name in ("panel", "mqtt"):
            if options[name] and options["role"] != "poller":
                raise ValueError("--profile with --{} needs --role poller".format(name))
    if options["panel_password"] and not options["panel"]:
        raise ValueError("--panel-password needs --panel")
    if options["gateway"] and options["serial2"]:
        raise ValueError("--gateway and --serial2 exclude each other")
    if options["pins_id"] == options["slave_id"]:
        raise ValueError("--pins-id and --slave-id must differ")


def _text(name, value):
    if not value:
        raise ValueError(name + " must not be empty")
    return value


def _number(name, value, lowest, highest):
    number = int(value) if value.isdigit() and len(value) < 10 else -1
    if not lowest <= number <= highest:
        raise ValueError("{} must be {} to {}, not {}".format(name, lowest, highest, value))
    return number


def _port(name, value):
    return _number(name, value, 1, 65535)


def _password(name, value):
    if not 8 <= len(value.encode()) <= 64:
        raise ValueError(name + " must be a text of 8 to 64 bytes")
    return value


def _slave_id(name, value):
    return _number(name, value, 1, 247)  # 248 to 255 are reserved; SL 2.2


def _baudrate(name, value):
    return _number(name, value, 300, 4000000)


def _broker(name, value):
    host, given, port = value.partition(":")
    return (_text(name, host), _number(name, port, 1, 65535) if given else 1883)


def _gap_ms(name, value):
    return _number(name, value, 0, 60000)


def _parity(name, value):
    if value not in ("N", "E", "O"):
        raise ValueError(name + " must be N, E or O, not " + value)
    return value


def _role(name, value):
    if value not in ("io", "gateway", "poller"):
        raise ValueError(name + " must be io, gateway or poller, not " + value)
    return value


_FLAGS = {"-h": "help", "--help": "help", "--verbose": "verbose"}
_CONVERT = {
    "--host": _text,
    "--port": _port,
    "--slave-id": _slave_id,
    "--role": _role,
    "--serial": _text,
    "--serial2": _text,
    "--gateway": _text,
    "--baudrate": _baudrate,
    "--parity": _parity,
    "--gap-ms": _gap_ms,
    "--far-end": _text,
    "--config": _text,
    "--mqtt": _broker,
    "--panel": _port,
    "--panel-password": _password,
    "--pins-id": _slave_id,
    "--profile": _text,
}
