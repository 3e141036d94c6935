"""Pins: the pins of remote I/O as points, for a Bridge."""

from micropython import const

from umb.points import Points

from ..io.pins import pins

_AREAS = {"outputs": "coil", "inputs": "discrete_input", "analogues": "input", "pwms": "holding"}
_COILS = const(5)  # where a Store has what writes go to
_HOLDING = const(6)


class Pins:
    """What a Bridge needs of a store: `points`, and `areas`.

    Outputs, inputs, analogue inputs and PWM outputs are called output_0, input_0, analogue_0 and
    pwm_0, in the order of the settings. A command counts as a request that was carried out: so it
    puts off the fail-safe values.
    """

    def __init__(self, application):
        self.points = Points([_point(*row) for row in pins(application)])
        areas = application.server.stores[application.settings["slave_id"]].areas
        self.areas = areas[:_COILS] + (
            _Counted(areas[_COILS], application.state),
            _Counted(areas[_HOLDING], application.state),
        )


def _point(setting, number, pin, _block, address):
    """Return the point of a pin as a dict."""
    point = {
        "name": "%s_%d" % (setting[:-1], number),
        "input_type": _AREAS[setting],
        "address": address,
    }
    if setting in ("outputs", "pwms"):
        point["writable"] = True
    if setting == "pwms":
        point.update({"min_value": 0, "max_value": pin["full"], "data_type": "uint16"})
    elif setting == "analogues":
        point["data_type"] = "uint16" if pin["scale"] is None else "int16"
    return point


class _Counted:
    """An area of a Store whose writes count as requests that were carried out."""

    def __init__(self, area, state):
        self.has = area.has
        self.accepts = area.accepts
        self.put = area.put
        self._on_write = area.on_write
        self._state = state

    def on_write(self, address, quantity):
        """Do what is to be done after a write."""
        self._state.carried_out = self._state.carried_out + 1 & 0xFFFF
        if self._on_write is not None:
            self._on_write(address, quantity)
