"""Points: the pins as the blocks of a Store, read when a client asks, driven when it writes."""

from micropython import const

from umb.store import Bits, Registers

_PWMS = const(32)  # the first holding register that drives
_RAW = const(65535)


class Points:
    """The blocks coils, discrete_inputs, analogues and pwms, point n at address n (pwms: 32 + n).

    Outputs start at their safe values. A point that the hardware refuses is told to
    complain(text); its address stays and does nothing.
    """

    def __init__(self, hardware, settings, complain):
        self._hardware = hardware
        self._complain = complain
        self._coils_safe = [self._safe(point) for point in settings["outputs"]]
        self._pwms_safe = [self._safe(point) for point in settings["pwms"]]
        self._fulls = [point["full"] if point else _RAW for point in settings["pwms"]]
        self._scales = [point and point["scale"] for point in settings["analogues"]]
        self._outputs = self._make("outputs", settings, self._output)
        self._inputs = self._make("inputs", settings, self._input)
        self._channels = self._make("analogues", settings, self._analogue)
        self._pulses = self._make("pwms", settings, self._pwm)
        self.coils = Bits(0, len(self._outputs), on_write=self._drive)
        self.discrete_inputs = Bits(0, len(self._inputs), on_read=self._sample)
        self.analogues = Registers(0, len(self._channels), on_read=self._measure)
        self.pwms = Registers(
            _PWMS, len(self._pulses), on_write=self._pulse, validate=self._is_duty
        )
        self._put_safe()

    def _make(self, name, settings, make):
        made = []
        for point in settings[name]:
            pin = None
            if point:
                try:
                    pin = make(point)
                except Exception as error:  # noqa: BLE001 - ports raise what they like
                    text = "{}[{}]: the pin {}: {}"
                    self._complain(text.format(name, len(made), point["pin"], error))
            made.append(pin)
        return made

    def _output(self, point):
        return self._hardware.output(point["pin"], point["invert"], self._safe(point) or 0)

    def _input(self, point):
        return self._hardware.input(point["pin"], point["invert"], point["pull"])

    def _analogue(self, point):
        return self._hardware.analogue(point["pin"])

    def _pwm(self, point):
        duty = self._duty(self._safe(point) or 0, point["full"])
        return self._hardware.pwm(point["pin"], point["freq"], duty)

    @staticmethod
    def _safe(point):
        """The value of fail-safe, None to hold what there is."""
        return point["safe"] if point and point["safe"] != "hold" else None

    @staticmethod
    def _duty(value, full):
        """0..full as 0..65535, in numbers that do not allocate."""
        return value if full == _RAW else value * (_RAW // full) + value * (_RAW % full) // full

    def _drive(self, address, quantity):
        for channel in range(address, address + quantity):
            pin = self._outputs[channel]
            if pin is not None:
                pin(self.coils[channel])

    def _sample(self, address, quantity):
        for channel in range(address, address + quantity):
            pin = self._inputs[channel]
            if pin is not None:
                self.discrete_inputs[channel] = pin()

    def _measure(self, address, quantity):
        for channel in range(address, address + quantity):
            read = self._channels[channel]
            if read is not None:
                self.analogues[channel] = scaled(read(), self._scales[channel])

    def _is_duty(self, address, value):
        return value <= self._fulls[address - _PWMS]

    def _pulse(self, address, quantity):
        for at in range(address, address + quantity):
            pin = self._pulses[at - _PWMS]
            if pin is not None:
                pin(self._duty(self.pwms[at], self._fulls[at - _PWMS]))

    def _put_safe(self):
        for channel in range(len(self._outputs)):
            if self._coils_safe[channel] is not None:
                self.coils[channel] = self._coils_safe[channel]
        for channel in range(len(self._pulses)):
            if self._pwms_safe[channel] is not None:
                self.pwms[_PWMS + channel] = self._pwms_safe[channel]

    def make_safe(self):
        """Drive every output to its safe value, and let its coil or register say so."""
        self._put_safe()
        self._drive(0, len(self._outputs))
        self._pulse(_PWMS, len(self._pulses))


def scaled(raw, scale):
    """0..65535 as low..high of the scale, in numbers that do not allocate."""
    if scale is None:
        return raw
    span = scale[1] - scale[0]
    raw += raw >> 15  # 0..65536: the top is reached
    return scale[0] + ((raw >> 8) * span + ((raw & 0xFF) * span >> 8) >> 8)
