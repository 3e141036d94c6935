"""Pins: the pins of remote I/O as points, for a Bridge."""

from micropython import const

from umb.points import Points

_COILS = const(5)  # where a Store has what writes go to
_HOLDING = const(6)


class Pins:
    """What a Bridge needs of a store: `points`, and `areas`.

    Outputs, inputs, analogue inputs and PWM outputs are called output_0, input_0, analogue_0 and
    pwm_0, in the order of the settings. A command counts as a request that was carried out: so it
    puts off the fail-safe values.
    """

    def __init__(self, application):
        settings = application.settings
        rows = []
        for i, point in enumerate(settings["outputs"]):
            if point:
                rows.append(_row("output", i, "coil", i, writable=True))
        for i, point in enumerate(settings["inputs"]):
            if point:
                rows.append(_row("input", i, "discrete_input", i))
        for i, point in enumerate(settings["analogues"]):
            if point:
                kind = "uint16" if point["scale"] is None else "int16"
                rows.append(_row("analogue", i, "input", i, data_type=kind))
        first = application.parts[0].holding_registers[1].start
        for i, point in enumerate(settings["pwms"]):
            if point:
                limits = {"min_value": 0, "max_value": point["full"], "data_type": "uint16"}
                rows.append(_row("pwm", i, "holding", first + i, writable=True, **limits))
        self.points = Points(rows)
        areas = application.server.stores[settings["slave_id"]].areas
        self.areas = areas[:_COILS] + (
            _Counted(areas[_COILS], application.state),
            _Counted(areas[_HOLDING], application.state),
        )


def _row(kind, number, area, address, **keys):
    """Return a point as a dict."""
    keys.update({"name": "%s_%d" % (kind, number), "input_type": area, "address": address})
    return keys


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
