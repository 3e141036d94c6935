"""What Gateway(unit_ids=) may be."""

from ..check import wrong


def check_unit_ids(unit_ids, line):
    """Raise ValueError unless this is a dict of slave ids that are there on this line."""
    try:
        good = all(0 <= one <= 255 for pair in unit_ids.items() for one in pair)
    except (AttributeError, TypeError):
        good = False
    if not good:
        raise wrong("unit_ids", unit_ids, "a dict of slave ids 0..255")
    if line.broadcast and 0 in unit_ids.values():
        raise wrong("unit_ids", unit_ids, "to slaves, or the line with broadcast=False")
