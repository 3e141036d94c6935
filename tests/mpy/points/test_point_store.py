"""umb.points.PointStore: whole values, limits and changes, as clients see them."""

import random
import struct

from support import spread
from support.heap import free_of_heap
from support.pdu import Link, ask, expect, read_write, request, shown, write_bits, write_registers
from support.umb import Signed, raises

from umb import errors
from umb.points import Points, PointStore
from umb.server import Server

_TYPES = {
    "int16": (">h", 1),
    "uint16": (">H", 1),
    "int32": (">i", 2),
    "uint32": (">I", 2),
    "int64": (">q", 4),
    "uint64": (">Q", 4),
    "float32": (">f", 2),
    "float64": (">d", 4),
    "int48": (None, 3),
    "uint48": (None, 3),
    "bcd16": (None, 1),
    "bcd32": (None, 2),
    "bcd64": (None, 4),
    "string": (None, 3),
}
_READS = {"coil": 1, "discrete_input": 2, "holding": 3, "input": 4}


def served(points, on_change=None):
    """A PointStore of these dicts, and a Server of it."""
    store = PointStore(Points(points), on_change=on_change)
    return store, Server(store)


def random_map(rng):
    """Points of every kind, some of them side by side, some with gaps between them."""
    points = []
    for area in _READS:
        address = rng.choice((0, 1, 7, 65536 - 60))
        for _ in range(rng.randrange(8)):
            point = {"name": "p%d" % len(points), "address": address, "input_type": area}
            size = 1
            if area in ("input", "holding"):
                point["data_type"] = kind = rng.choice(list(_TYPES))
                point["swap"] = rng.choice(("none", "word", "byte", "word_byte"))
                size = _TYPES[kind][1]
                if kind == "string":
                    point["count"] = size
            if area in ("coil", "holding"):
                point["writable"] = rng.randrange(4) > 0
            points.append(point)
            if rng.randrange(4) == 0 and size == 1 and area == "holding":
                other = dict(point)
                other.update({"name": "p%d" % len(points), "bit": 3})
                points.append(other)
            address += size + rng.choice((0, 0, 0, 1, 5))
    for i in range(len(points)):  # the order in the file is another one
        k = rng.randrange(len(points))
        points[i], points[k] = points[k], points[i]
    return points


class Model:
    """Which requests for an area are for whole points, said in another way."""

    def __init__(self, points, area):
        self.spans = {}  # first address: (end, whether all of the points can be written)
        for point in points:
            if point["input_type"] == area:
                size = _TYPES[point["data_type"]][1] if "data_type" in point else 1
                first = point["address"]
                _, writable = self.spans.get(first, (0, True))
                writable = writable and point.get("writable", False)
                self.spans[first] = (first + size, writable)

    def allows(self, address, quantity, write=False):
        at = address
        while at < address + quantity and at in self.spans:
            if write and not self.spans[at][1]:
                return False
            at = self.spans[at][0]
        return at == address + quantity

    def addresses(self):
        """Addresses around everything that is there."""
        found = {0, 1, 65535}
        for first, (end, _) in self.spans.items():
            found.update(range(max(0, first - 1), min(65536, end + 2)))
        return sorted(found)


def test_every_read_of_random_maps():
    rng = random
    for seed in range(25):
        rng.seed(seed)
        points = random_map(rng)
        _, server = served(points)
        for area, code in _READS.items():
            model = Model(points, area)
            for address in model.addresses():
                for quantity in range(1, 20):
                    got = ask(server, request(code, address, quantity))
                    if model.allows(address, quantity):
                        assert got[0] == code, (seed, area, address, quantity)
                    else:
                        assert got == bytes((code | 0x80, 2)), (seed, area, address, quantity)


def test_every_write_of_random_maps():
    rng = random
    for seed in range(25):
        rng.seed(1000 + seed)
        points = random_map(rng)
        _, server = served(points)
        for area, single, several in (("coil", 5, 15), ("holding", 6, 16)):
            model = Model(points, area)
            for address in model.addresses():
                allowed = model.allows(address, 1, True)
                pdus = [request(single, address, 0)]
                if single == 6:
                    pdus.append(request(22, address, 0xFFFF, 0))
                for pdu in pdus:
                    wanted = pdu if allowed else bytes((pdu[0] | 0x80, 2))
                    assert ask(server, pdu) == wanted, (seed, area, address)
                for quantity in range(1, 12):
                    allowed = model.allows(address, quantity, True)
                    values = [0] * quantity
                    pdu = (write_bits if several == 15 else write_registers)(address, values)
                    wanted = pdu[:5] if allowed else bytes((several | 0x80, 2))
                    assert ask(server, pdu) == wanted, (seed, area, address, quantity)
                    if several == 16:
                        good = allowed and model.allows(address, quantity)
                        got = ask(server, read_write(address, quantity, address, values))
                        assert (got[0] == 23) == good, (seed, address, quantity)


def packed(letter, size, value):
    """A number in so many registers, highest first."""
    if letter:
        return struct.pack(letter, value)
    return bytes(value >> 8 * i & 0xFF for i in range(2 * size - 1, -1, -1))


def test_values_by_name_are_those_on_the_wire():
    rng = random
    for seed in range(40):
        rng.seed(2000 + seed)
        points = [point for point in random_map(rng) if "bit" not in point]
        store, server = served(points)
        for point in points:
            name = point["name"]
            code = _READS[point["input_type"]]
            assert store[name] == ("" if point.get("data_type") == "string" else 0)
            if code < 3:
                store[name] = 1
                assert ask(server, request(code, point["address"], 1)) == bytes((code, 1, 1))
                continue
            letter, size = _TYPES[point["data_type"]]
            value = rng.randrange(100, 10000)
            data = packed(letter, size, value)
            if point["data_type"] == "string":
                value, data = "Pump 7", b"Pump 7"
            elif point["data_type"][0] == "b":
                data = packed(None, size, int("%d" % value, 16))
            store[name] = value
            assert store[name] == value
            got = ask(server, request(code, point["address"], size))
            pairs = [data[i : i + 2] for i in range(0, len(data), 2)]
            if point["data_type"] != "string" and point["swap"] in ("word", "word_byte"):
                pairs = list(reversed(pairs))
            if point["swap"] in ("byte", "word_byte"):
                pairs = [bytes((pair[1], pair[0])) for pair in pairs]
            assert got[2:] == b"".join(pairs), (seed, point, shown(got))


def limited(kind, least, most, **keys):
    """A store with one point "x" at 0 that has these limits."""
    point = {"name": "x", "address": 0, "data_type": kind, "writable": True}
    for key, value in (("min_value", least), ("max_value", most)):
        if value is not None:
            point[key] = value
    point.update(keys)
    return served([point])


def allowed(kind, keys, limits, raw):
    """Whether limits allow what a register stands for."""
    value = raw - 0x10000 if kind == "int16" and raw > 0x7FFF else raw
    value = round(value * keys.get("scale", 1) + keys.get("offset", 0), 2)
    return (limits[0] is None or value >= limits[0]) and (limits[1] is None or value <= limits[1])


def test_limits_of_every_register():
    """Each value of 16 bits that a client may write is one that the limits allow."""
    for kind in ("int16", "uint16"):
        for keys in ({}, {"scale": 0.1}, {"scale": -0.1, "offset": 7}, {"scale": 3}):
            for least, most in (
                (-5, 12.3),
                (None, 30),
                (-1, None),
                (3000, 3000),
                (-0.05, 3276.75),
            ):
                limits = (least, most)
                raws = spread(range(0x10000), 500)
                wanted = bytes(allowed(kind, keys, limits, raw) for raw in raws)
                if not any(wanted):
                    continue
                _, server = limited(kind, least, most, **keys)
                for raw, good in zip(raws, wanted):
                    got = ask(server, request(6, 0, raw))[0]
                    assert got == (6 if good else 0x86), (kind, keys, limits, raw)


def test_limits_of_every_register_of_digits():
    for swap in ("none", "byte"):
        _, server = limited("bcd16", 5, 1234, swap=swap)
        for raw in spread(range(0x10000), 7000):
            digits = "%x" % (raw if swap == "none" else (raw & 0xFF) << 8 | raw >> 8)
            good = digits.isdigit() and 5 <= int(digits) <= 1234
            assert ask(server, request(6, 0, raw))[0] == (6 if good else 0x86), digits


def test_limits_of_wider_values():
    rng = random
    rng.seed(11)
    for kind, (letter, size) in _TYPES.items():
        if size == 1 or letter is None:
            continue
        for swap in ("none", "word", "byte", "word_byte"):
            for least, most in ((-1000, 70000), (None, 70000), (-1000, None), (2, 2)):
                store, server = limited(kind, least, most, swap=swap)
                samples = [bytes(rng.randrange(256) for _ in range(2 * size)) for _ in range(40)]
                for value in (-1001, -1000, -999, -1, 0, 1, 2, 3, 69999, 70000, 70001, 1 << 30):
                    if value >= 0 or kind[0] != "u":
                        samples.append(struct.pack(letter, value))
                for data in samples:
                    value = struct.unpack(letter, data)[0]
                    wire = bytearray(2 * size)
                    if value == value:  # noqa: PLR0124 - else it is not a number
                        store.points.encode(0, value, wire, 0)
                    else:
                        wire[:] = data  # is not a number in whatever order
                        value = store.points.decode(0, wire, 0)
                        if value is not None:
                            continue
                    good = (
                        value is not None
                        and (least is None or value >= least)
                        and (most is None or value <= most)
                    )
                    pdu = request(16, 0, size) + bytes((2 * size,)) + bytes(wire)
                    wanted = pdu[:5] if good else b"\x90\x03"
                    assert ask(server, pdu) == wanted, (kind, swap, least, most, value)


def test_a_limit_refuses_the_whole_request():
    names = ("a", "b", "c")
    points = [
        {"name": names[i], "address": 2 * i, "data_type": "uint32", "writable": True}
        for i in range(3)
    ]
    points[1]["max_value"] = 9
    store, server = served(points)
    expect(server, write_registers(0, [0, 1, 0, 10, 0, 3]), "90 03")
    assert [store[name] for name in names] == [0, 0, 0]
    expect(server, write_registers(0, [0, 1, 0, 9, 0, 3]), "10 0000 0006")
    assert [store[name] for name in names] == [1, 9, 3]
    store["b"] = 77  # the program may
    assert store["b"] == 77


def test_limits_that_nothing_can_meet():
    for kind, least, most in (("uint16", None, -1), ("uint16", 65536, None), ("int16", 0.4, 0.6)):
        text = str(raises(ValueError, limited, kind, least, most))
        assert text == "point 'x': no value is within its limits"


def test_limits_with_an_exponent():
    store, server = served(
        [
            {"name": "sf", "address": 0},
            {
                "name": "x",
                "address": 1,
                "scale_factor": "sf",
                "max_value": 100,
                "min_value": 0,
                "writable": True,
            },
        ]
    )
    for exponent in range(-2, 3):
        store["sf"] = exponent
        most = round(100 / 10.0**exponent)
        expect(server, request(6, 1, most), request(6, 1, most))
        assert store["x"] == 100
        expect(server, request(6, 1, most + 1), "86 03")
        expect(server, request(6, 1, 0xFFFF), "86 03")
    store["sf"] = -32768
    assert store["x"] is None
    raises(ValueError, store.__setitem__, "x", 1)


def test_what_changed_is_told():
    told = []
    store, server = served(
        [
            {"name": "a", "address": 0, "data_type": "float32", "writable": True},
            {"name": "b", "address": 2, "scale": 0.1, "writable": True},
            {"name": "c0", "address": 3, "bit": 0, "writable": True},
            {"name": "c9", "address": 3, "bit": 9, "writable": True, "swap": "byte"},
            {"name": "d", "address": 4, "data_type": "string", "count": 2, "writable": True},
            {"name": "r", "address": 5, "input_type": "coil", "writable": True},
            {"name": "s", "address": 14, "input_type": "coil", "writable": True},
            {"name": "t", "address": 15, "input_type": "coil", "writable": True},
        ],
        lambda name, value: told.append((name, value, store["b"])),
    )
    expect(server, write_registers(0, [0x3FC0, 0, 7, 0x0001, 0x4142, 0]), "10 0000 0006")
    assert told == [("a", 1.5, 0.7), ("b", 0.7, 0.7), ("c0", 1, 0.7), ("d", "AB", 0.7)]
    told.clear()
    expect(server, write_registers(0, [0x3FC0, 0, 7, 0x0003, 0x4142, 0]), "10 0000 0006")
    assert told == [("c9", 1, 0.7)]
    told.clear()
    with Signed():
        expect(server, write_registers(2, [0xFFFF, 0x0003]), "10 0002 0002")
        expect(server, write_registers(2, [0xFFFF, 0x0003]), "10 0002 0002")
    assert told == [("b", -0.1, -0.1)]
    told.clear()
    expect(server, request(22, 3, 0xFFFE, 0), request(22, 3, 0xFFFE, 0))
    expect(server, request(5, 5, 0xFF00), request(5, 5, 0xFF00))
    expect(server, request(5, 5, 0xFF00), request(5, 5, 0xFF00))
    expect(server, write_bits(14, [0, 1]), "0f 000e 0002")
    store["a"] = 3  # the program's own
    assert told == [("c0", 0, -0.1), ("r", 1, -0.1), ("t", 1, -0.1)]
    told.clear()
    expect(server, read_write(4, 2, 0, [0, 0]), "17 04 4142 0000")
    assert told == [("a", 0.0, -0.1)]


def test_an_exception_of_the_hook_is_the_answer():
    def refuse(name, value):
        raise errors.ServerDeviceBusyError((name, value))

    _, server = served([{"name": "x", "address": 0, "writable": True}], refuse)
    expect(server, request(6, 0, 3), "86 06")


def test_arguments():
    for wrong in (None, [], [{"name": "x", "address": 0}], "x", Points):
        raises(TypeError, PointStore, wrong)
    for wrong in (1, "x"):
        raises(TypeError, PointStore, Points(), on_change=wrong)
    expect(Server(PointStore(Points())), request(3, 0, 1), "83 02")
    store, _ = served(
        [{"name": "x", "address": 0}, {"name": "y", "address": 0, "input_type": "coil"}]
    )
    for name in ("z", "", None):
        raises(KeyError, store.__getitem__, name)
        raises(KeyError, store.__setitem__, name, 0)
    assert str(raises(ValueError, store.__setitem__, "x", 1 << 20)).startswith("point 'x': ")
    assert str(raises(ValueError, store.__setitem__, "y", 2)).startswith("point 'y': ")
    store.holding_registers[0] = 5  # by address, as any store
    assert store["x"] == 5


def test_points_that_overlap():
    for first, second in ((0, 1), (1, 0), (5, 4)):
        for kinds in (("int32", "int32"), ("int64", "int16"), ("int32", "int64")):
            points = [
                {"name": "a", "address": first, "data_type": kinds[0]},
                {"name": "b", "address": second, "data_type": kinds[1]},
            ]
            spans = [range(p["address"], p["address"] + _TYPES[p["data_type"]][1]) for p in points]
            if any(address in spans[1] for address in spans[0]):
                text = str(raises(ValueError, served, points))
                assert text in ("points 'a' and 'b' overlap", "points 'b' and 'a' overlap")
            else:
                served(points)
    raises(
        ValueError,
        served,
        [{"name": "a", "address": 0, "data_type": "int32"}, {"name": "b", "address": 0}],
    )


class Requests:
    """Every kind of request for a store of points."""

    def __init__(self):
        self.faults = 0
        points = [
            {"name": "f", "address": 0, "data_type": "float32", "writable": True, "max_value": 9},
            {"name": "l", "address": 2, "data_type": "int64", "writable": True, "min_value": -9},
            {"name": "w", "address": 6, "scale": 0.1, "writable": True, "max_value": 200},
            {"name": "b", "address": 7, "bit": 3, "writable": True},
            {"name": "c", "address": 8},
            {"name": "r", "address": 100, "input_type": "coil", "writable": True},
            {"name": "s", "address": 300, "input_type": "coil", "writable": True},
            {"name": "i", "address": 0, "input_type": "input", "data_type": "uint64"},
        ]
        self.store, self.server = served(points)
        self.link = Link()
        self.adu = bytearray(262)
        self.pdus = [
            (pdu, bytearray(ask(self.server, pdu)))
            for pdu in 2  # from the second time on they read what they have written
            * (
                request(3, 0, 8),
                request(3, 1, 2),
                request(4, 0, 4),
                request(4, 0, 3),
                request(1, 100, 1),
                request(6, 6, 2000),
                request(6, 6, 2001),
                request(6, 8, 1),
                request(5, 100, 0xFF00),
                request(5, 101, 0xFF00),
                request(22, 7, 0xFFF0, 0xF),
                write_bits(300, [1]),
                write_registers(0, [0x3F80, 0, 0, 0, 0, 5, 7, 9]),
                write_registers(0, [0x4180, 0]),
                write_registers(0, [0xC180, 0]),
                write_registers(2, [0xFFFF, 0xFFFF, 0xFFFF, 0xFF00]),
                read_write(0, 8, 6, [1, 2]),
            )
        ][17:]


def serve_all(subject):
    adu = subject.adu
    for pdu, response in subject.pdus:
        for i in range(len(pdu)):
            adu[7 + i] = pdu[i]
        adu[6] = 1
        n = subject.server.handle(adu, len(pdu), subject.link)
        if n != len(response):
            subject.faults += 1
        for i in range(n):
            if adu[7 + i] != response[i]:
                subject.faults += 1


def test_requests_allocate_nothing():
    free_of_heap("requests for points", serve_all, Requests())
