"""Slave ids as the settings have them: "1-32, 40". CPython runs this, too."""


def slave_ids(text):
    """Return these slave ids as bytes, in order. Raises ValueError for anything else."""
    if not isinstance(text, str):
        raise ValueError("slave ids are a text")
    found = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        first = _slave_id(first)
        last = _slave_id(last) if dash else first
        if last < first:
            raise ValueError("the last slave id is less than the first")
        found.update(range(first, last + 1))
    return bytes(sorted(found))


def _slave_id(text):
    text = text.strip()
    if not (0 < len(text) <= 3 and not text.strip("0123456789") and int(text) <= 255):
        raise ValueError("a slave id is 0 to 255")
    return int(text)
