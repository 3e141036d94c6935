"""Which requests a Poller makes of points: random maps, ranges and refusals."""

import random

from support import spread
from support.pdu import words
from support.polling import polling
from support.umb import raises

from umb.points import Points

_SIZES = {"int16": 1, "uint16": 1, "int32": 2, "float32": 2, "int64": 4, "string": 5}
_AREAS = ("coil", "discrete_input", "input", "holding")
_CODES = {1: "coil", 2: "discrete_input", 3: "holding", 4: "input"}
_STEP_MS = 9  # of a board, where minutes pass: a finer one shows nothing more
_LIMIT = 400  # addresses of random maps are below


def random_points(rng, span):
    """One or more points, gaps of every size between them; some overlap or share an address."""
    points = []
    for area in _AREAS:
        address = rng.randrange(20)
        for _ in range(rng.choice((0, 1, 3, 12))):
            point = {"name": "p%d" % len(points), "address": address, "input_type": area}
            size = 1
            if area in ("input", "holding"):
                kind = rng.choice([kind for kind in _SIZES if _SIZES[kind] <= span])
                point["data_type"] = kind
                size = _SIZES[kind]
                if kind == "string":
                    point["count"] = size
            if rng.randrange(8) == 0:
                point["scan_interval"] = 2
            points.append(point)
            address += rng.choice((0, size, size, size, size + 1, size + 3, size + 16, size + 40))
            if address > _LIMIT - 60:
                break
    for i in range(len(points)):
        k = rng.randrange(len(points))
        points[i], points[k] = points[k], points[i]
    return points or random_points(rng, span)


def size_of(point):
    return _SIZES[point["data_type"]] if "data_type" in point else 1


def covered(points):
    """{area: the addresses that points have}."""
    found = {area: set() for area in _AREAS}
    for point in points:
        found[point["input_type"]].update(
            range(point["address"], point["address"] + size_of(point))
        )
    return found


class Slave:
    """A device with values at some addresses, which refuses every request for any other.

    readable   {area: addresses}
    code       the exception code of a refusal
    """

    def __init__(self, readable, code=2):
        self.readable = readable
        self.code = code
        self.asked = []  # (area, address, quantity)
        self.refused = 0
        self.values = {}

    def __call__(self, pdu):
        area = _CODES[pdu[0]]
        address, quantity = pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4]
        self.asked.append((area, address, quantity))
        for one in range(address, address + quantity):
            if one not in self.readable[area]:
                self.refused += 1
                return bytes((pdu[0] | 0x80, self.code))
        values = [self.value(area, one) for one in range(address, address + quantity)]
        if pdu[0] > 2:
            return bytes((pdu[0], 2 * quantity)) + words(*values)
        data = bytearray((quantity + 7) // 8)
        for i in range(quantity):
            data[i // 8] |= (values[i] & 1) << i % 8
        return bytes((pdu[0], len(data))) + bytes(data)

    def value(self, area, address):
        """What is at an address: any number, the same each time."""
        return (address * 40503 + _AREAS.index(area) * 977) & 0x7FFF

    def wanted(self, point, points):
        """The value of a point."""
        area, address = point["input_type"], point["address"]
        if area in ("coil", "discrete_input"):
            return self.value(area, address) & 1
        registers = [self.value(area, address + i) for i in range(size_of(point))]
        return points.decode(points.index(point["name"]), words(*registers), 0)


def check_values(device, points, slave, given):
    for point in given:
        got = device[point["name"]]
        wanted = slave.wanted(point, points)
        assert got == wanted, (point, got, wanted)


def test_only_what_points_have():
    """With max_gap=0 no other address is ever asked for, and each block once in its interval."""
    rng = random
    for seed in spread(range(120), 15):
        rng.seed(seed)
        span = rng.choice((5, 8, 40, 125))
        given = random_points(rng, span)
        points = Points(given)
        slave = Slave(covered(given))
        poller, _ = polling({7: slave}, wire_ms=1, answer_ms=1)
        device = poller.device(7, points, max_gap=0, max_span=span)
        poller.run(500)
        check_values(device, points, slave, given)
        assert slave.refused == 0, seed
        first = list(slave.asked)
        for area, _, quantity in first:
            assert quantity <= (span if area in ("input", "holding") else 16 * span)
        slave.asked.clear()
        poller.run(6000)
        counts = {asked: slave.asked.count(asked) / first.count(asked) for asked in first}
        assert set(counts.values()) <= {3, 4.5, 6}, (seed, counts)
        for point in given:
            wanted = 3 if "scan_interval" in point else 6
            assert wanted in [
                count if first.count(asked) == 1 else wanted
                for asked, count in counts.items()
                if within(point, asked)
            ], (seed, point, counts)
        assert set(slave.asked) == set(first)


def within(point, asked):
    area, address, quantity = asked
    return (
        point["input_type"] == area
        and address <= point["address"]
        and point["address"] + size_of(point) <= address + quantity
    )


def usual_plan(spans, gap, span):
    """How many requests others make: side by side or with a gap below, up to a span."""
    count = 0
    start = end = None
    for address, size in sorted(set(spans)):
        if start is None or address - end > gap or max(end, address + size) - start > span:
            start, end = address, address + size
            count += 1
        end = max(end, address + size)
    return count


def test_no_more_requests_than_others_make():
    """Home Assistant's modbus-connection reads across 15 registers, and 125 of them at most."""
    rng = random
    for seed in spread(range(200), 60):
        rng.seed(5000 + seed)
        given = [point for point in random_points(rng, 125) if "scan_interval" not in point]
        slave = Slave({area: set(range(_LIMIT)) for area in _AREAS})
        poller, _ = polling({7: slave}, wire_ms=1, answer_ms=1)
        poller.device(7, Points(given))
        poller.run(500)
        others = sum(
            usual_plan(
                [(p["address"], size_of(p)) for p in given if p["input_type"] == area], 15, 125
            )
            for area in _AREAS
        )
        assert len(slave.asked) <= others, (seed, slave.asked, others)


def test_gaps():
    """A gap of max_gap registers is read along, one more is not; of bits 16 times as many."""
    for area, unit in (("input", 1), ("coil", 16)):
        for max_gap in (0, 1, 5, 16, 60):
            last = max_gap * unit
            for gap in list(spread(range(last), 6)) + [last, last + 1, last + 2]:
                given = [
                    {"name": "a", "address": 3, "input_type": area},
                    {"name": "b", "address": 4 + gap, "input_type": area},
                ]
                slave = Slave({one: set(range(2000)) for one in _AREAS})
                poller, _ = polling({7: slave}, wire_ms=1, answer_ms=1)
                poller.device(7, Points(given), max_gap=max_gap)
                poller.run(50)
                wanted = 1 if gap <= last else 2
                assert len(slave.asked) == wanted, (area, max_gap, gap)


def test_ranges():
    """Points in a range are read together, whatever is between them, and never across ranges."""
    rng = random
    for seed in spread(range(80), 25):
        rng.seed(9000 + seed)
        given = random_points(rng, 125)
        addresses = covered(given)
        ranges = {}
        for area in _AREAS:
            if rng.randrange(4) == 0:
                continue  # the gap counts there
            parts = []
            start = 0
            for end in range(1, _LIMIT + 1):
                # It may end where no point goes across.
                inside = any(
                    point["input_type"] == area
                    and point["address"] < end < point["address"] + size_of(point)
                    for point in given
                )
                if not inside and rng.randrange(30) == 0:
                    parts.append((start, end - 1))
                    start = end
            parts.append((start, _LIMIT))
            ranges[area] = parts
        slave = Slave({area: set(range(_LIMIT + 1)) for area in _AREAS})
        poller, _ = polling({7: slave}, wire_ms=1, answer_ms=1)
        points = Points(given)
        device = poller.device(7, points, ranges=ranges, max_gap=0)
        poller.run(400)
        check_values(device, points, slave, given)
        for area, address, quantity in slave.asked:
            if area in ranges:
                assert any(
                    first <= address and address + quantity <= last + 1
                    for first, last in ranges[area]
                ), (seed, area, address, quantity)
            else:
                asked = set(range(address, address + quantity))
                assert asked <= addresses[area]


def test_refused_blocks_are_split():
    """Holes in a map cost some requests once; then all points are read without a refusal."""
    rng = random
    for seed in spread(range(120), 15):
        rng.seed(20_000 + seed)
        given = random_points(rng, 125)
        points = Points(given)
        slave = Slave(covered(given), rng.choice((2, 3)))
        poller, _ = polling({7: slave}, wire_ms=1, answer_ms=1)
        device = poller.device(7, points)
        poller.run(900)
        check_values(device, points, slave, given)
        assert len(slave.asked) <= 1 + 2 * len(given), (seed, len(slave.asked), len(given))
        refused = slave.refused
        slave.asked.clear()
        poller.run(6000)
        assert slave.refused == refused, seed
        check_values(device, points, slave, given)


def test_points_that_are_refused_alone():
    """They have no value, and are tried again after ten minutes; all others are read."""
    rng = random
    for seed in spread(range(60), 8):
        rng.seed(30_000 + seed)
        given = random_points(rng, 125)
        points = Points(given)
        readable = covered(given)
        for area in _AREAS:
            for address in list(readable[area]):
                if rng.randrange(6) == 0:
                    readable[area].discard(address)
        slave = Slave(readable)
        poller, _ = polling({7: slave}, wire_ms=1, answer_ms=1)
        device = poller.device(7, points, interval_ms=5000)
        poller.run(3000)
        lost = [point for point in given if not is_readable(point, readable)]
        # Of points that overlap one may be read along with another that cannot.
        alone = [
            point
            for point in given
            if is_readable(point, readable)
            and not any(
                other["input_type"] == point["input_type"] and other["address"] == point["address"]
                for other in lost
            )
        ]
        check_values(device, points, slave, alone)
        for point in lost:
            assert device[point["name"]] is None
        slave.asked.clear()
        slave.refused = 0
        poller.run(300_000 if seed < 3 else 10_000, _STEP_MS)
        assert slave.refused == 0 and device.state in ("online", "unknown")
        if not lost or seed >= 3:
            continue
        for area in _AREAS:
            readable[area] |= covered(given)[area]
        poller.run(320_000, _STEP_MS)
        check_values(device, points, slave, given)


def is_readable(point, readable):
    addresses = range(point["address"], point["address"] + size_of(point))
    return all(address in readable[point["input_type"]] for address in addresses)


def test_a_function_that_the_device_has_not():
    given = [
        {"name": "a", "address": 0, "input_type": "input"},
        {"name": "b", "address": 5, "input_type": "input"},
        {"name": "c", "address": 0, "input_type": "holding"},
    ]
    slave = Slave(covered(given))

    def answer(pdu):
        return b"\x84\x01" if pdu[0] == 4 else slave(pdu)

    poller, _ = polling({7: answer})
    device = poller.device(7, Points(given))
    poller.run(5000)
    assert device["a"] is None and device["b"] is None and device["c"] is not None
    assert device.exception_count == 1 and device.state == "online"


def test_what_a_file_says_of_its_device():
    """It holds unless the program says something else."""
    given = [{"name": "p%d" % i, "address": 10 * i, "input_type": "input"} for i in range(6)]
    points = Points(given)
    points.about = {"max_gap": 9, "max_span": 25, "pause_ms": 30, "ranges": {"coil": [[0, 9]]}}
    everything = {area: set(range(100)) for area in _AREAS}
    for named, wanted in (
        ({}, [("input", 0, 21), ("input", 30, 21)]),
        ({"max_span": 125}, [("input", 0, 51)]),
        ({"max_gap": 0}, [("input", 10 * i, 1) for i in range(6)]),
        (
            {"ranges": {"input": [(0, 15), (16, 99)]}},
            [("input", 0, 11), ("input", 20, 21), ("input", 50, 1)],
        ),
    ):
        slave = Slave(everything)
        poller, _ = polling({7: slave}, wire_ms=1, answer_ms=1)
        poller.device(7, points, **named)
        poller.run(400)
        assert sorted(slave.asked) == wanted, (named, slave.asked)
        times = [ms for ms, _, _ in poller.client.log]
        assert all(times[i + 1] - times[i] >= 30 for i in range(len(times) - 1))
    for about in ({"max_span": 0}, {"max_gap": -1}, {"ranges": {"inputs": []}}):
        points.about = about
        raises(ValueError, polling({})[0].device, 7, points)


def test_what_no_request_can_read():
    string = [{"name": "s", "address": 0, "data_type": "string", "count": 40}]
    poller, _ = polling({})
    raises(ValueError, poller.device, 7, Points(string), max_span=39)
    poller.device(7, Points(string), max_span=40)
    raises(ValueError, poller.device, 8, Points(string), ranges={"holding": [(0, 20), (21, 60)]})
    poller.device(8, Points(string), ranges={"holding": [(0, 20), (0, 60)]})


def test_no_points():
    poller, _ = polling({})
    raises(ValueError, poller.device, 7, Points())
    poller.run(2000)
    assert poller.client.log == [] and poller.nap_ms() == 500


def test_one_device_for_a_slave():
    """A second one would ask beside the first, and each would miss what the other writes."""
    poller, _ = polling({})
    points = Points([{"name": "a", "address": 0}])
    device = poller.device(7, points)
    for slave_id in (7, 8, 7, 8):
        if slave_id == 8 and len(poller.devices) == 1:
            poller.device(8, points)
        else:
            raises(ValueError, poller.device, slave_id, points)
    assert poller.devices[0] is device and len(poller.devices) == 2


class CountingPoints(Points):
    """Points that count how often they are asked for a key to sort by."""

    asked = 0

    def key(self, i):
        self.asked += 1
        return super().key(i)


def test_sorting_asks_for_each_key_once():
    """It would take a board half a second for a device, were that done at each comparison."""
    points = CountingPoints([{"name": "p%d" % i, "address": i} for i in range(50)])
    poller, _ = polling({})
    poller.device(1, points)
    assert points.asked == 50
