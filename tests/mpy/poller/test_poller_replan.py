"""A Poller makes other blocks in steps: whatever comes between, each point is read as before.

After eight answers of a device on a serial line its plan is made anew, and each refused block is
split. Here writes, reads on demand and refusals come while that is under way.
"""

import random

from support import spread
from support.polling import Bus, BusPoller, Clock, Told

from umb.points import Points

_INTERVAL_MS = 1000
_SIZES = {"uint16": 1, "uint32": 2, "float32": 2}
_CODES = {3: "holding", 4: "input"}
_LAST = 420


class Line:
    """Times of a serial line."""

    def __init__(self, character_us):
        self._character_us = character_us
        self.reply_delay_us = max(1750, 4 * character_us)

    def time_us(self, n):
        return n * self._character_us


class SerialBus(Bus):
    """The Bus as a serial line."""

    serial = True

    def __init__(self, clock, devices, character_us, **named):
        super().__init__(clock, devices, **named)
        self.line = Line(character_us)


class Slave:
    """Holds registers; refuses what is not readable.

    reads   (ms, area, address, quantity) of each answered reading
    """

    def __init__(self, clock, readable):
        self.clock = clock
        self.readable = readable
        self.registers = {area: [(7 * i) & 0x7F for i in range(_LAST + 200)] for area in readable}
        self.reads = []
        self.asked = []
        self.refused = 0
        self.busy = 0  # how many requests are refused as busy

    def __call__(self, pdu):
        code = pdu[0]
        address = pdu[1] << 8 | pdu[2]
        if self.busy:
            self.busy -= 1
            return bytes((code | 0x80, 6))
        if code == 6:
            self.registers["holding"][address] = pdu[3] << 8 | pdu[4]
            return pdu
        if code == 16:
            for i in range(pdu[4]):
                word = pdu[6 + 2 * i] << 8 | pdu[7 + 2 * i]
                self.registers["holding"][address + i] = word
            return pdu[:5]
        area = _CODES[code]
        quantity = pdu[3] << 8 | pdu[4]
        self.asked.append((area, address, quantity))
        if not all(one in self.readable[area] for one in range(address, address + quantity)):
            self.refused += 1
            return bytes((code | 0x80, 2))
        self.reads.append((self.clock.passed, area, address, quantity))
        data = bytearray()
        for value in self.registers[area][address : address + quantity]:
            data.extend(bytes((value >> 8, value & 0xFF)))
        return bytes((code, 2 * quantity)) + bytes(data)


def random_points(rng):
    """Points of two areas, in no order; gaps of every size between them."""
    points = []
    for area in ("input", "holding"):
        address = rng.randrange(10)
        for _ in range(rng.randrange(1, 15)):
            kind = rng.choice(list(_SIZES))
            point = {"name": "p%d" % len(points), "address": address, "input_type": area}
            point["data_type"] = kind
            if area == "holding":
                point["writable"] = True
            if rng.randrange(10) == 0:
                point["scan_interval"] = rng.choice((0, None, 2))
            points.append(point)
            address += _SIZES[kind] + rng.choice((0, 0, 1, 5, 14, 17, 30, 60))
            if address > _LAST:
                break
    for i in range(len(points)):
        k = rng.randrange(len(points))
        points[i], points[k] = points[k], points[i]
    return points


def addresses_of(point):
    return range(point["address"], point["address"] + _SIZES[point["data_type"]])


def readable_of(given, rng):
    """{area: addresses}: all, or those of the points alone, so that gaps are refused."""
    if rng.randrange(2):
        return {area: set(range(_LAST + 200)) for area in ("input", "holding")}
    readable = {"input": set(), "holding": set()}
    for point in given:
        readable[point["input_type"]].update(addresses_of(point))
    return readable


def polled(rng, given):
    """A BusPoller of a device with these points on a serial line: (poller, device, slave)."""
    clock = Clock()
    slave = Slave(clock, readable_of(given, rng))
    bus = SerialBus(
        clock,
        {7: slave},
        rng.choice((87, 573, 1146)),
        wire_ms=rng.choice((1, 2)),
        answer_ms=rng.choice((0, 3, 40)),
    )
    told = Told()
    poller = BusPoller(
        bus, on_change=told.on_change, on_state=told.on_state, on_error=told.on_error
    )
    device = poller.device(7, Points(given), interval_ms=_INTERVAL_MS)
    return poller, device, slave, told


def readings(slave, point, since_ms, until_ms):
    """How many times a point was read then."""
    last = point["address"] + _SIZES[point["data_type"]]
    return sum(
        since_ms <= ms < until_ms
        and area == point["input_type"]
        and address <= point["address"]
        and last <= address + quantity
        for ms, area, address, quantity in slave.reads
    )


def check_asked(slave, given):
    """Each request began and ended with a point of its area, and all in it have one interval."""
    for area, address, quantity in slave.asked:
        of_area = [point for point in given if point["input_type"] == area]
        assert address in [point["address"] for point in of_area]
        assert address + quantity in [addresses_of(point)[-1] + 1 for point in of_area]
        assert quantity <= 125


def check_values(device, slave, points, given):
    for point in given:
        registers = slave.registers[point["input_type"]]
        data = bytearray()
        for one in addresses_of(point):
            data.extend(bytes((registers[one] >> 8, registers[one] & 0xFF)))
        got = device[point["name"]]
        wanted = points.decode(points.index(point["name"]), data, 0)
        assert got == wanted or repr(got) == repr(wanted) == "nan", (point, got, wanted)


def check_rounds(slave, given, since_ms, rounds, seed):
    """Each point was read once a round, and no request was made more often."""
    regular = [point for point in given if point.get("scan_interval", 1)]
    check_asked(slave, regular)
    for point in regular:
        interval_s = point.get("scan_interval", 1)
        count = readings(slave, point, since_ms, slave.clock.passed)
        assert count >= rounds // interval_s - 1, (seed, point, count)
    made = [asked for _, *asked in slave.reads]
    for area, address, quantity in slave.asked:
        shortest_s = min(
            point.get("scan_interval", 1)
            for point in regular
            if point["input_type"] == area and point["address"] == address
        )
        assert made.count([area, address, quantity]) <= rounds // shortest_s + 1, (seed, address)


def test_every_point_once_a_round():
    """The plan is made anew, and blocks are split, in the middle of it."""
    rng = random
    for seed in spread(range(120), 15):
        rng.seed(seed)
        given = random_points(rng)
        poller, device, slave, _ = polled(rng, given)
        step_ms = rng.choice((0, 1, 1))
        poller.run(3000, step_ms)  # splits take some readings
        check_asked(slave, given)
        slave.reads.clear()
        slave.asked.clear()
        since_ms = slave.clock.passed
        poller.run(12_000, step_ms)
        check_rounds(slave, given, since_ms, 12, seed)
        refused = slave.refused
        poller.run(3000, step_ms)
        assert slave.refused == refused, seed
        for point in given:
            if point.get("scan_interval", 1) is None:
                assert device[point["name"]] is None
                device.refresh(point["name"])
        poller.run(500, step_ms)
        check_values(device, slave, device.points, given)


def disturb(rng, device, slave, given, written, tickets):
    """Write, read, or have the device be busy; or nothing of that."""
    what = rng.randrange(4)
    point = given[rng.randrange(len(given))]
    name = point["name"]
    if what == 0 and point.get("writable") and point["data_type"] != "float32":
        written[name] = rng.randrange(1000)
        device[name] = written[name]
    elif what == 1:
        ticket = [device.points.index(name), None]  # as device.read() does
        device._tickets.append(ticket)
        device.refresh(name)
        tickets.append((slave.clock.passed, ticket))
    elif what == 2:
        device.refresh(name)
    elif rng.randrange(3) == 0:
        slave.busy = 1


def test_what_comes_meanwhile():
    """Nothing that is written or asked for is lost, nor is anything else read for it."""
    rng = random
    steps = 0
    seeds = spread(range(160), 20)
    for seed in seeds:
        rng.seed(70_000 + seed)
        given = random_points(rng)
        poller, device, slave, told = polled(rng, given)
        step_ms = rng.choice((1, 1, 2))
        written = {}
        tickets = []
        while slave.clock.passed < 9000:
            poller.run(rng.randrange(1, 12), step_ms)
            steps += device.has_work
            if device.has_work or rng.randrange(20) == 0:
                disturb(rng, device, slave, given, written, tickets)
            for name, value in written.items():
                assert device[name] == value, (seed, name)
        poller.run(4000, step_ms)
        check_asked(slave, given)
        assert told.errors == [] and device.state == "online"
        assert all(ticket[1] in (0, 6) for _, ticket in tickets), (seed, tickets)
        for name, value in written.items():
            assert device[name] == value, (seed, name)
        # The rounds go on.
        slave.reads.clear()
        slave.asked.clear()
        since_ms = slave.clock.passed
        poller.run(8000, step_ms)
        check_rounds(slave, given, since_ms, 8, seed)
        device.refresh()
        poller.run(1500, step_ms)
        check_values(device, slave, device.points, given)
    assert steps > 5 * len(seeds), steps


def registers_apart(n, step, **keys):
    """Holding registers `step` addresses apart."""
    return [
        {"name": "p%d" % i, "address": step * i, "input_type": "holding", "data_type": "uint16"}
        | keys
        for i in range(n)
    ]


def test_what_is_wanted_is_not_put_off():
    """A block that is due at once is due at once with those that it is merged with, too."""
    for gap in (0, 16, 60, 125):
        given = registers_apart(6, 20, scan_interval=None)
        for i in range(6):
            poller, device, slave, _ = polled(random, given)
            slave.readable["holding"] = set(range(_LAST))
            poller.run(50)
            device.refresh("p%d" % i)
            device.begin_plan(gap)
            poller.choose_again()
            poller.run(500)
            assert device["p%d" % i] == 7 * 20 * i & 0x7F, (gap, i)


def test_no_step_is_left_out():
    """A Poller that has work to do asks to be called at once."""
    given = registers_apart(40, 3)
    rng = random
    rng.seed(1)
    poller, device, slave, _ = polled(rng, given)
    slave.readable["holding"] = {3 * i for i in range(40)}
    steps = 0
    while slave.clock.passed < 5000:
        poller.poll()
        if device.has_work:
            steps += 1
            assert poller.nap_ms() <= 1
        if poller.nap_ms():
            slave.clock.passed += 1
    assert steps > 39
    check_values(device, slave, device.points, given)
