"""umb.points.Points: every type in every order, and what a mistake is told."""

import random
import struct

from support import spread
from support.umb import raises

from umb.points import ON_DEMAND, Points

_SWAPS = ("none", "word", "byte", "word_byte")
_ORDERS = ("ABCD", "CDAB", "BADC", "DCBA")
# How many bytes each type takes.
_TYPES = {
    "int16": 2,
    "uint16": 2,
    "bcd16": 2,
    "int32": 4,
    "uint32": 4,
    "bcd32": 4,
    "float32": 4,
    "int48": 6,
    "uint48": 6,
    "bcd48": 6,
    "int64": 8,
    "uint64": 8,
    "bcd64": 8,
    "float64": 8,
}


def number(kind, data):
    """The number of a type in bytes, highest first; None: there is none."""
    if kind[0] == "f":
        value = struct.unpack(">f" if len(data) == 4 else ">d", data)[0]
        return None if value != value else value  # noqa: PLR0124 - it is not a number
    value = 0
    for byte in data:
        value = value << 8 | byte
    if kind[0] == "i" and data[0] & 0x80:
        value -= 1 << 8 * len(data)
    if kind[0] == "b":
        digits = "%x" % value
        return int(digits) if all(digit in "0123456789" for digit in digits) else None
    return value


def one(**keys):
    """Points with a single point, "x" at 0, of these keys besides."""
    point = {"name": "x", "address": 0}
    point.update(keys)
    return Points([point])


def swapped(data, swap):
    """These bytes, highest first, as they come over the wire in an order."""
    pairs = [data[i : i + 2] for i in range(0, len(data), 2)]
    if swap in ("word", "word_byte"):
        pairs = list(reversed(pairs))
    if swap in ("byte", "word_byte"):
        pairs = [bytes((pair[1], pair[0])) for pair in pairs]
    return b"".join(pairs)


def patterns(size, rng):
    """Bytes of this size: each bit, all but each bit, each byte alone, and random ones."""
    yield bytes(size)
    yield b"\xff" * size
    for bit in range(8 * size):
        data = bytearray(size)
        data[bit >> 3] = 1 << (bit & 7)
        yield bytes(data)
        yield bytes(byte ^ 0xFF for byte in data)
    for at in range(size):
        for byte in (0x01, 0x7F, 0x80, 0xFE):
            data = bytearray(size)
            data[at] = byte
            yield bytes(data)
    for _ in range(200):
        yield bytes(rng.randrange(256) for _ in range(size))


def test_every_register_of_one_word():
    for kind in ("int16", "uint16", "bcd16"):
        for swap in _SWAPS:
            points = one(data_type=kind, swap=swap)
            flip = swap in ("byte", "word_byte")
            buf = bytearray(4)
            again = bytearray(4)
            for raw in spread(range(0x10000), 5000):
                buf[1] = raw & 0xFF if flip else raw >> 8
                buf[2] = raw >> 8 if flip else raw & 0xFF
                value = raw - 0x10000 if kind == "int16" and raw > 0x7FFF else raw
                if kind == "bcd16":
                    value = number(kind, bytes((raw >> 8, raw & 0xFF)))
                assert points.decode(0, buf, 1) == value
                if value is not None:
                    points.encode(0, value, again, 1)
                    assert again == buf


def test_wider_values_in_every_order():
    rng = random
    rng.seed(5)
    for kind, size in _TYPES.items():
        for swap in _SWAPS:
            points = one(data_type=kind, swap=swap)
            assert points.size(0) == size // 2
            for data in patterns(size, rng):
                wire = swapped(data, swap)
                got = points.decode(0, b"\x55" + wire + b"\x55", 1)
                assert got == number(kind, data), (kind, swap, data, got)
                if got is None:
                    continue
                buf = bytearray(size + 2)
                points.encode(0, got, buf, 1)
                assert buf == b"\0" + wire + b"\0", (kind, swap, data)


def test_the_two_names_of_an_order():
    for name, order in zip(_SWAPS, _ORDERS):
        assert one(swap=order)["x"]["swap"] == one(swap=name)["x"]["swap"] == name


def test_every_bit_of_every_register():
    for bit in range(16):
        for swap in _SWAPS:
            points = one(data_type="uint16", bit=bit, swap=swap)
            assert (
                points.mask(0)
                == struct.unpack(">H", swapped(struct.pack(">H", 1 << bit), swap))[0]
            )
            for raw in spread(range(0x10000), 200):
                wire = bytearray(swapped(struct.pack(">H", raw), swap))
                assert points.decode(0, wire, 0) == raw >> bit & 1
                for value in (0, 1):
                    points.encode(0, value, wire, 0)
                    wanted = raw & ~(1 << bit) | value << bit
                    assert wire == swapped(struct.pack(">H", wanted), swap)


def test_every_scaled_register():
    """What a tenth is written as comes back as the same tenth, for every register."""
    for scale, digits in ((0.1, 1), (0.01, 2), (0.001, 3), (0.5, 1), (0.25, 2), (-0.1, 1)):
        points = one(data_type="int16", scale=scale)
        buf = bytearray(2)
        for raw in spread(range(-0x8000, 0x8000), 10_000):
            struct.pack_into(">h", buf, 0, raw)
            value = points.decode(0, buf, 0)
            assert value == round(raw * scale, digits)
            points.encode(0, value, buf, 0)
            assert struct.unpack(">h", buf)[0] == raw


def test_scale_and_offset_that_are_whole_stay_whole():
    points = one(data_type="int16", scale=10.0, offset=-5)
    for raw in range(-0x8000, 0x8000, 11):
        value = points.decode(0, struct.pack(">h", raw), 0)
        assert value == raw * 10 - 5 and isinstance(value, int)
    big = one(data_type="uint64", scale=3)
    for raw in ((1 << 64) - 1, (1 << 53) + 1):
        buf = bytearray(8)
        big.encode(0, raw * 3, buf, 0)
        assert struct.unpack(">Q", buf)[0] == raw
        assert big.decode(0, buf, 0) == raw * 3


def test_precision():
    for digits in range(10):
        points = one(data_type="float64", precision=digits)
        value = points.decode(0, struct.pack(">d", 12.345678901234), 0)
        assert value == round(12.345678901234, digits)
        assert isinstance(value, float if digits else int)
    third = one(data_type="uint16", scale=1 / 3)
    assert third.decode(0, b"\0\1", 0) == 1 / 3
    for number in ("inf", "-inf"):
        data = struct.pack(">f", float(number))
        assert one(data_type="float32", precision=0).decode(0, data, 0) == float(number)


def test_nan_value_of_every_width():
    for kind, size in _TYPES.items():
        bits = 8 * size
        for nan in (0, 1, (1 << bits) - 1, 1 << bits - 1, -1, -(1 << bits - 1)):
            for given in (nan, hex(nan)) if nan >= 0 else (nan,):
                points = one(data_type=kind, nan_value=given, swap="word")
                raw = (nan & (1 << bits) - 1).to_bytes(size, "big")
                assert points.decode(0, swapped(raw, "word"), 0) is None
                other = bytes((raw[0] ^ 0x01,)) + raw[1:]
                value = points.decode(0, swapped(other, "word"), 0)
                assert value is not None or kind[0] in "fb"
                buf = bytearray(size)
                points.encode(0, None, buf, 0)
                assert buf == swapped(raw, "word")
        for wrong in (
            1 << bits,
            -(1 << bits - 1) - 1,
            "zz",
            True,
            None,
            1.5,
            "0x1" + "0" * (bits // 4),
        ):
            raises(ValueError, one, data_type=kind, nan_value=wrong)


def test_every_exponent():
    points = Points(
        [
            {"name": "x", "address": 0, "data_type": "int16", "scale_factor": "sf"},
            {"name": "sf", "address": 1},
            {
                "name": "y",
                "address": 2,
                "data_type": "uint32",
                "scale_factor": "sf",
                "precision": 1,
            },
        ]
    )
    assert [points.exponent_of(i) for i in range(3)] == [1, -1, 1]
    for exponent in range(-10, 11):
        for raw in (-32767, -1, 0, 1, 12345, 32767):
            value = points.decode(0, struct.pack(">h", raw), 0, exponent)
            assert abs(value - raw * 10.0**exponent) <= 1e-9 * abs(value)
            if exponent >= 0:
                assert isinstance(value, int)
            buf = bytearray(2)
            points.encode(0, value, buf, 0, exponent)
            assert struct.unpack(">h", buf)[0] == raw
    assert points.decode(0, struct.pack(">h", 2312), 0, -1) == 231.2
    assert points.decode(2, struct.pack(">I", 123456), 0, -3) == 123.5
    for exponent in (-32768, -11, 11, None):
        assert points.decode(0, b"\0\1", 0, exponent) is None
        raises(ValueError, points.encode, 0, 1, bytearray(2), 0, exponent)


def test_text():
    for swap in _SWAPS:
        points = one(data_type="string", count=4, swap=swap)
        buf = bytearray(8)
        points.encode(0, "Pump 3", buf, 0)
        plain = b"Pump 3\0\0"
        byte = swap in ("byte", "word_byte")
        assert buf == (swapped(plain, "byte") if byte else plain)
        assert points.decode(0, buf, 0) == "Pump 3"
        for wrong in ("Pump no 3", None, 3, b"x"):
            assert str(raises(ValueError, points.encode, 0, wrong, buf, 0)).startswith(
                "point 'x': "
            )


def test_what_does_not_fit():
    nothing = bytearray(b"\x11" * 8)
    for kind, size in _TYPES.items():
        points = one(data_type=kind)
        wrong = ["1", b"1", (1,)]
        if kind[0] != "f":
            least = -(1 << 8 * size - 1) if kind[0] == "i" else 0
            most = 10 ** (2 * size) if kind[0] == "b" else least + (1 << 8 * size)
            wrong += [least - 1, most, float("inf"), float("nan"), None]
        for value in wrong:
            error = raises(ValueError, points.encode, 0, value, nothing, 0)
            assert str(error).startswith("point 'x': "), str(error)
        assert nothing == b"\x11" * 8
    for scale in (0.1, 0.01, 2, -3):
        for value in (32768 * scale, -32769 * scale):
            raises(ValueError, one(scale=scale).encode, 0, value, nothing, 0)
    for value in (2, -1, 0.5, None, "1"):
        raises(ValueError, one(bit=3).encode, 0, value, nothing, 0)


def test_numbers_are_rounded_to_the_nearest():
    points = one(scale=0.1)
    buf = bytearray(2)
    for value, raw in ((1.04, 10), (1.06, 11), (-1.04, -10), (-1.06, -11), (7, 70), (True, 10)):
        points.encode(0, value, buf, 0)
        assert struct.unpack(">h", buf)[0] == raw


def test_limits():
    points = one(min_value=-1.5, max_value=3, scale=0.5, writable=True)
    for value in (-1.5, 0, 3):
        points.check(0, value)
    for value in (-1.6, 3.1, float("nan"), None, "1"):
        assert str(raises(ValueError, points.check, 0, value)).startswith(
            "point 'x': it takes -1.5 to 3"
        )
    one(min_value=1, writable=True).check(0, 1e9)
    raises(ValueError, one(min_value=1, writable=True).check, 0, 0)
    one(max_value=1, writable=True).check(0, -1e9)
    raises(ValueError, one(max_value=1, writable=True).check, 0, 2)


def test_only_writable_points_and_levels_of_coils_may_be_written():
    for area in ("coil", "holding", "discrete_input", "input"):
        error = raises(ValueError, one(input_type=area).check, 0, 1)
        assert str(error) == "point 'x' is not writable"
    coil = one(input_type="coil", writable=True)
    for value in (0, 1, False, True):
        coil.check(0, value)
    for value in (-1, 2, 0.5, None, "1"):
        error = raises(ValueError, coil.check, 0, value)
        assert str(error) == "point 'x': it takes 0 or 1, not %r" % (value,)


def test_as_a_sequence():
    given = [
        {"name": "b", "address": 7, "unit_of_measurement": "V", "scan_interval": 0.5},
        {"name": "a", "address": 65535, "input_type": "input", "scan_interval": None},
        {"name": "ab", "address": 0, "input_type": "coil", "writable": True, "scan_interval": 0},
        {"name": "\xe9\u20ac", "address": 0, "input_type": "discrete_input"},
    ]
    points = Points(given)
    assert list(points) == ["b", "a", "ab", "\xe9\u20ac"] and len(points) == 4
    assert [points.index(name) for name in points] == [0, 1, 2, 3]
    assert [points.interval_ms(i) for i in range(4)] == [500, ON_DEMAND, 0, None]
    assert "a" in points and "c" not in points and "" not in points and 3 not in points
    for name in ("", "c", "aa", "b\0a", None, 0):
        raises(KeyError, points.index, name)
    for point in given:
        shown = points[point["name"]]
        for key in point:
            assert shown[key] == point[key]
    assert points["ab"]["writable"] is True and "writable" not in points["b"]
    assert points.in_order() == [2, 3, 1, 0]
    assert list(Points()) == [] and len(Points([])) == 0
    many = Points([{"name": "p%d" % i, "address": i} for i in range(700)])
    for i in range(700):
        assert many.index("p%d" % i) == i and many.name(i) == "p%d" % i


# What is wrong with a point "x" that has these keys besides, in words of the message.
_WRONG = (
    ({"adress": 3}, "there is no key 'adress'"),
    ({"address": 65536}, "address must be 0 to 65535"),
    ({"address": 65535, "data_type": "int32"}, "address must be 0 to 65534"),
    ({"address": -1}, "address"),
    ({"address": 1.0}, "address"),
    ({"address": True}, "address"),
    ({"address": "1"}, "address"),
    ({"address": None}, "address"),
    (
        {"input_type": "holding_register"},
        "input_type must be coil, discrete_input, input, holding",
    ),
    ({"input_type": None}, "input_type"),
    ({"input_type": ["coil"]}, "input_type"),
    ({"data_type": "int8"}, "data_type must be int16, int32"),
    ({"data_type": "string"}, "count is missing"),
    ({"data_type": "string", "count": 0}, "count must be 1 to 125"),
    ({"data_type": "string", "count": 126}, "count"),
    ({"data_type": "string", "count": 124, "writable": True}, "count must be 1 to 123"),
    ({"data_type": "string", "count": 2, "scale": 2}, "a string has no scale"),
    ({"data_type": "string", "count": 2, "precision": 2}, "a string has no precision"),
    ({"count": 1}, "a number has no count"),
    ({"bit": 16}, "bit must be 0 to 15"),
    ({"bit": 1, "data_type": "int32"}, "bit can be given for int16 and uint16 only"),
    ({"bit": 1, "scale": 2}, "a bit has no scale"),
    ({"swap": "CDBA"}, "swap must be"),
    ({"swap": None}, "swap must be"),
    ({"scale": 0}, "scale must not be 0"),
    ({"scale": "1"}, "scale must be a number"),
    ({"scale": float("inf")}, "scale must be a number"),
    ({"scale": float("nan")}, "scale must be a number"),
    ({"offset": None}, "offset must be a number"),
    ({"precision": 10}, "precision must be 0 to 9"),
    ({"precision": 1.5}, "precision"),
    ({"min_value": 2, "max_value": 1}, "min_value is more than max_value"),
    ({"max_value": "1"}, "max_value must be a number"),
    ({"deadband": -1}, "deadband must be 0 or more"),
    ({"scan_interval": -1}, "scan_interval must be null, 0 or 0.01 to 500000"),
    ({"scan_interval": 0.001}, "scan_interval"),
    ({"scan_interval": 500001}, "scan_interval"),
    ({"scan_interval": "1"}, "scan_interval must be a number"),
    ({"writable": 2}, "writable"),
    ({"writable": None}, "writable"),
    ({"writable": True, "input_type": "input"}, "true for coil and holding only"),
    ({"writable": True, "input_type": "discrete_input"}, "true for coil and holding only"),
    ({"scale_factor": "y"}, "scale_factor must be the name of"),
    ({"scale_factor": "x"}, "scale_factor must be the name of"),
    ({"scale_factor": ""}, "scale_factor must be text"),
    ({"unit_of_measurement": ""}, "unit_of_measurement must be text"),
    ({"unit_of_measurement": 5}, "unit_of_measurement must be text"),
    ({"device_class": None}, "device_class must be text"),
    ({"state_class": 1}, "state_class must be text"),
    ({"input_type": "coil", "data_type": "uint16"}, "a coil has no data_type"),
    ({"input_type": "coil", "scale": 1}, "a coil has no scale"),
    ({"input_type": "discrete_input", "deadband": 1}, "a discrete_input has no deadband"),
)


def test_mistakes_are_named():
    for keys, words in _WRONG:
        text = str(raises(ValueError, one, **keys))
        assert text.startswith("point 'x': ") and words in text, (keys, text)


def test_mistakes_of_a_list():
    for wrong in (5, "x", None, {"name": "x"}, b"x"):
        raises(TypeError, Points, wrong)
    good = {"name": "x", "address": 0}
    for point, words in (
        (5, "point 2 must be an object"),
        ([], "point 2 must be an object"),
        (None, "point 2 must be an object"),
        ({}, "point 2: name must be text, not None"),
        ({"name": ""}, "point 2: name must be text, not ''"),
        ({"name": 5}, "point 2: name must be text, not 5"),
        ({"name": "a\0b", "address": 0}, "point 2: name must be text"),
        ({"name": "y"}, "point 'y': address is missing"),
        (good, "point 'x': there are two of this name"),
        ({"name": "y", "address": 0, 1: 2}, "point 'y': there is no key 1"),
    ):
        text = str(raises(ValueError, Points, [good, point]))
        assert text.startswith(words), (point, text)


def test_too_many_different_values():
    points = [{"name": "p%d" % i, "address": i, "max_value": i + 2} for i in range(255)]
    assert Points(points).limits(254) == (None, 256)
    points.append({"name": "q", "address": 0, "max_value": 1.5})
    text = str(raises(ValueError, Points, points))
    assert (
        text == "point 'q': all points together have more than 255 values of scale, unit and so on"
    )
