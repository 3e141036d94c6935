"""pins(): the pins of remote I/O, for parts that show or publish them as points."""


def pins(application):
    """Return a tuple for each pin that is in use, in the order of the settings.

    It has the setting ("outputs", "inputs", "analogues" or "pwms"), the number there, what is set
    for the pin, its block and its address.
    """
    part = application.parts[0]
    found = []
    for name, block in (
        ("outputs", part.coils),
        ("inputs", part.discrete_inputs),
        ("analogues", part.input_registers[0]),
        ("pwms", part.holding_registers[1]),
    ):
        for i, pin in enumerate(application.settings[name]):
            if pin:
                found.append((name, i, pin, block, block.start + i))
    return found
