"""What the view "registers" of a Panel begins with."""

from micropython import const

_MOST_AT_FIRST = const(10)  # values that are shown


def areas_of(server, slave_id):
    """Return for function codes 1 to 4 a first address and a quantity that can be read there.

    They are 0 and 1 of an area that is empty, and of a slave of which nothing is known here.
    """
    stores = getattr(server, "stores", {})
    if slave_id in (0, 255) and stores:
        slave_id = server.slave_ids[0]  # it answers these, too
    areas = getattr(stores.get(slave_id), "areas", None)
    return [_beginning(areas[code]) if areas else (0, 1) for code in range(1, 5)]


def _beginning(area):
    quantity = _MOST_AT_FIRST
    while quantity > 1 and not area.has(area.start, quantity):
        quantity -= 1
    return area.start, quantity
