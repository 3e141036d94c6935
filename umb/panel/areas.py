"""What the view "registers" of a Panel begins with."""

from micropython import const

_MOST_AT_FIRST = const(10)  # values that are shown, unless the first one takes more registers
_MOST_REGISTERS = const(125)  # registers that one request can read


def areas_of(server, slave_id):
    """Return for function codes 1 to 4 a first address and a quantity that can be read there.

    The quantity is 1 for an area that is empty; both are 0 and 1 for a slave of which nothing is
    known here.
    """
    stores = getattr(server, "stores", {})
    if slave_id in (0, 255) and stores:
        slave_id = server.slave_ids[0]  # it answers these, too
    areas = getattr(stores.get(slave_id), "areas", None)
    return [_beginning(areas[code]) if areas else (0, 1) for code in range(1, 5)]


def _beginning(area):
    for quantities in (
        range(_MOST_AT_FIRST, 0, -1),
        range(_MOST_AT_FIRST + 1, _MOST_REGISTERS + 1),
    ):
        for quantity in quantities:  # a PointStore lets no value be cut in two
            if area.has(area.start, quantity):
                return area.start, quantity
    return area.start, 1
