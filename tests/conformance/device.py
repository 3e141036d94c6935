"""Who is under test. MicroPython and the PC's Python both read this: plain data."""

SLAVE_ID = 17  # the device that everything is asked of
SLAVE_IDS = (SLAVE_ID, 1, 247)  # other ids are the same device
BASIC, REGULAR = 18, 19  # two devices that have an identity and nothing else
OBJECTS = {0: b"Vendor", 1: b"C" * 120, 2: b"1.0", 4: b"N" * 120}
OBJECTS.update({0x80: b"Z" * 200, 0x81: b"Y" * 244, 0x90: b"End"})
EXCEPTIONS = {301: 6, 302: 5, 303: 7}  # what the use of these registers raises
REFUSED = 0xDEAD  # the value that no holding register takes
