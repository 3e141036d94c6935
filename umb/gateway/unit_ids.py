"""What Gateway(unit_ids=) may be."""

from ..check import integer, wrong


def check_unit_ids(unit_ids, line):
    """Raise ValueError unless this is a dict of slave ids that are there on this line."""
    try:
        ids = list(unit_ids.keys()) + list(unit_ids.values())
    except AttributeError:
        raise wrong("unit_ids", unit_ids, "a dict of slave ids 0..255")
    for slave_id in ids:
        integer("slave_id in unit_ids", slave_id, 0, 255)
    if line.broadcast and 0 in unit_ids.values():
        raise wrong("unit_ids", unit_ids, "to slaves, or the line with broadcast=False")
