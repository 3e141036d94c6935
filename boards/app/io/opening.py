"""The pins of the role "io", opened."""

from micropython import const

_RAW = const(65535)


def open_pins(hardware, name, settings, problems):
    """Return what drives or reads each point of a list, None for one that does nothing.

    name       "outputs", "inputs", "analogues" or "pwms"
    problems   get a sentence for each pin that the hardware refuses
    """
    opened = []
    for point in settings[name]:
        pin = None
        if point:
            try:
                pin = _open(hardware, name, point)
            except Exception as error:  # noqa: BLE001 - ports raise what they like
                text = "{}[{}]: the pin {}: {}"
                problems.append(text.format(name, len(opened), point["pin"], error))
        opened.append(pin)
    return opened


def _open(hardware, name, point):
    pin = point["pin"]
    if name == "outputs":
        return hardware.output(pin, point["invert"], safe_value(point) or 0)
    if name == "inputs":
        return hardware.input(pin, point["invert"], point["pull"])
    if name == "analogues":
        return hardware.analogue(pin)
    return hardware.pwm(pin, point["freq"], duty(safe_value(point) or 0, point["full"]))


def safe_value(point):
    """Return the value that an output has when masters are silent, None if it keeps its own."""
    return point["safe"] if point and point["safe"] != "hold" else None


def duty(value, full):
    """Return 0..full as 0..65535, in numbers that do not allocate."""
    return value if full == _RAW else value * (_RAW // full) + value * (_RAW % full) // full
