"""umb.panel.areas: what the view "registers" begins with can be read."""

from support.pdu import ask, request

from umb.panel.areas import areas_of
from umb.points import Points
from umb.points.store import PointStore
from umb.server import Server
from umb.store import Bits, Registers, Store

_ID = 7


def check(store, *wanted):
    """Compare where the areas begin, and read what is not wanted to be empty, which is None."""
    server = Server(store, (_ID,))
    for slave_id in (_ID, 0, 255):
        for code, got in enumerate(areas_of(server, slave_id), 1):
            expected = wanted[code - 1]
            if expected is None:
                assert got[1] == 1, (code, got)
                continue
            assert got == expected, (code, got)
            assert ask(server, request(code, *got), _ID)[0] == code, (code, got)


def test_counts_and_blocks():
    check(Store(4, 2000, 9, 10), (0, 4), (0, 10), (0, 10), (0, 9))
    check(Store(holding_registers=1), None, None, (0, 1), None)
    blocks = (Registers(300, 5), Registers(305, 6), Registers(1000, 1))
    check(
        Store(Bits(65535, 1), (Bits(3, 2), Bits(9, 2)), blocks, Registers(20, 11)),
        (65535, 1),
        (3, 2),
        (20, 10),
        (300, 10),
    )


def test_a_value_is_not_cut_in_two():
    for kind, count, size in (
        ("int16", 0, 1),
        ("int32", 0, 2),
        ("int64", 0, 4),
        ("string", 10, 10),
        ("string", 11, 11),
        ("string", 100, 100),
    ):
        points = []
        for i in range(3):
            at = 40 + i * size
            one = {"name": "p%d" % i, "address": at, "input_type": "holding", "data_type": kind}
            if count:
                one["count"] = count
            points.append(one)
        quantity = min(3, max(1, 10 // size)) * size
        check(PointStore(Points(points)), None, None, (40, quantity), None)


def test_slaves_of_which_nothing_is_known():
    server = Server(Store(9, 9, 9, 9), (_ID,))
    nothing = [(0, 1)] * 4
    assert areas_of(server, _ID + 1) == nothing
    assert areas_of(object(), _ID) == nothing  # as a Gateway, which has no stores
    for slave_id in (0, _ID, 255):
        assert areas_of(Server(), slave_id) == areas_of(Server(None, (_ID,)), _ID) == nothing
