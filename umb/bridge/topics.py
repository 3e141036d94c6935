"""Names as parts of topics, and values as the text of messages."""

import json

from micropython import const

_STATE = "state"  # no point can have this topic: it is the device's
_FLOAT = "%.15g" if 1 + 1e-12 > 1 else "%.7g"  # floats have 64 or 32 bits
_CONTROL = const(32)  # characters below control something


def is_level(text) -> bool:
    """Return whether this is text that can stand between two slashes of a topic."""
    if not (isinstance(text, str) and text):
        return False
    for character in text:
        if character in "/+#\x7f" or ord(character) < _CONTROL:
            return False
    return True


def level(name: str) -> str:
    """Return the name of a point as it stands in topics.

    The characters that topics use, /, + and #, and control characters become "-"; a point called
    "state" becomes "state-", since that topic is the device's.
    """
    if not is_level(name):
        name = "".join([c if is_level(c) else "-" for c in name])
    return name + "-" if name == _STATE else name


def payload(value) -> str:
    """Return the text that is published of a value; for None it is "None".

    Floats have as many digits as are sure, so that 8.3 is not 8.300000000000001.
    """
    if not isinstance(value, float):
        return value if isinstance(value, str) else str(value)
    text = _FLOAT % value
    return text if "." in text or "e" in text or "n" in text else text + ".0"


def as_json(value) -> str:
    """Return a value as JSON: null also for what JSON has no number for."""
    if not isinstance(value, float):
        return json.dumps(value)
    return payload(value) if value - value == 0 else "null"


def parse(point, data):
    """Return the value that the bytes of a message stand for, as a point of this kind takes it.

    point   a dict of its keys, as Points has it

    Raises ValueError with a sentence.
    """
    try:
        text = bytes(data).decode()
    except ValueError:  # UnicodeError, too
        raise ValueError("this is not text in UTF-8")
    if point.get("data_type") == "string":
        return text
    text = text.strip()
    if "bit" in point or "data_type" not in point:
        word = text.lower()
        if word in ("1", "true", "on"):
            return 1
        if word in ("0", "false", "off"):
            return 0
        raise ValueError("it takes 0 or 1, not %r" % text)
    return number(text)


def number(text):
    """Return the number in a text. Raises ValueError."""
    value = None
    try:
        value = int(text)
    except ValueError:
        try:
            value = float(text)
        except ValueError:
            pass
    if value is None or "_" in text or value - value != 0:
        raise ValueError("it takes a number, not %r" % text)
    return value
