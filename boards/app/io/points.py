"""Points: the pins as the blocks of a Store, read when a client asks, driven when it writes."""

from struct import pack_into

from micropython import const

from umb.store import Bits, Registers

_PWMS = const(32)  # the holding register of PWM output 0
_RAW = const(65535)


class Points:
    """The blocks coils, discrete_inputs, analogues and pwms.

    Point n is at address n of its block, PWM output n at 32 + n.

    settings  those of config.load(). Outputs start at their safe values
    state     a DeviceState: its `problems` get the pins that the hardware refuses, whose addresses
              stay and do nothing; its `written` is set when an output is driven
    """

    def __init__(self, hardware, settings, state):
        problems = state.problems
        self._state = state
        self._coils_safe = [_safe_value(point) for point in settings["outputs"]]
        self._pwms_safe = [_safe_value(point) for point in settings["pwms"]]
        self._full = [point["full"] if point else _RAW for point in settings["pwms"]]
        self._scales = [point and point["scale"] for point in settings["analogues"]]
        self._output_pins = _open_pins(hardware, "outputs", settings, problems)
        self._input_pins = _open_pins(hardware, "inputs", settings, problems)
        self._channels = _open_pins(hardware, "analogues", settings, problems)
        self._pwm_pins = _open_pins(hardware, "pwms", settings, problems)
        self.coils = Bits(0, len(self._output_pins), on_write=self._drive)
        self.discrete_inputs = Bits(0, len(self._input_pins), on_read=self._sample)
        self.analogues = Registers(0, len(self._channels), on_read=self._measure)
        self.pwms = Registers(
            _PWMS, len(self._pwm_pins), on_write=self._modulate, validate=self._is_duty
        )
        self._store_safe_values()

    # Clients wait for what these do: they go to the data of the blocks themselves.

    def _drive(self, address, quantity):
        self._state.written = True
        data = self.coils.data
        quantity += address
        while address < quantity:
            pin = self._output_pins[address]
            if pin is not None:
                pin(data[address >> 3] >> (address & 7) & 1)
            address += 1

    def _sample(self, address, quantity):
        data = self.discrete_inputs.data
        quantity += address
        while address < quantity:
            pin = self._input_pins[address]
            if pin is not None:
                if pin():
                    data[address >> 3] |= 1 << (address & 7)
                else:
                    data[address >> 3] &= ~(1 << (address & 7))
            address += 1

    def _measure(self, address, quantity):
        quantity += address
        while address < quantity:
            if self._channels[address] is not None:
                self._measure_one(address, self._channels[address]())
            address += 1

    def _measure_one(self, address, raw):
        raw = _scaled(raw, self._scales[address])
        pack_into(">H", self.analogues.data, 2 * address, raw & 0xFFFF)

    def _is_duty(self, address, value):
        return value <= self._full[address - _PWMS]

    def _modulate(self, address, quantity):
        self._state.written = True
        for at in range(address, address + quantity):
            pin = self._pwm_pins[at - _PWMS]
            if pin is not None:
                pin(self._duty(at))

    def _duty(self, address):
        return _duty_of(self.pwms[address], self._full[address - _PWMS])

    def _store_safe_values(self):
        for channel in range(len(self._output_pins)):
            if self._coils_safe[channel] is not None:
                self.coils[channel] = self._coils_safe[channel]
        for channel in range(len(self._pwm_pins)):
            if self._pwms_safe[channel] is not None:
                self.pwms[_PWMS + channel] = self._pwms_safe[channel]

    def make_safe(self):
        """Drive every output to its safe value, and let its coil or register say so."""
        self._store_safe_values()
        self._drive(0, len(self._output_pins))
        self._modulate(_PWMS, len(self._pwm_pins))


def _scaled(raw, scale):
    """Return 0..65535 as low..high of the scale, in numbers that do not allocate."""
    if scale is None:
        return raw
    span = scale[1] - scale[0]
    raw += raw >> 15  # 0..65536: the top is reached
    return scale[0] + ((raw >> 8) * span + ((raw & 0xFF) * span >> 8) >> 8)


def _open_pins(hardware, name, settings, problems):
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
        return hardware.output(pin, point["invert"], _safe_value(point) or 0)
    if name == "inputs":
        return hardware.input(pin, point["invert"], point["pull"])
    if name == "analogues":
        return hardware.analogue(pin)
    return hardware.pwm(pin, point["freq"], _duty_of(_safe_value(point) or 0, point["full"]))


def _safe_value(point):
    """Return the value that an output has when masters are silent, None if it keeps its own."""
    return point["safe"] if point and point["safe"] != "hold" else None


def _duty_of(value, full):
    """Return 0..full as 0..65535, in numbers that do not allocate."""
    return value if full == _RAW else value * (_RAW // full) + value * (_RAW % full) // full
