"""umb.poller.Poller on a bus in memory: when it asks, what it makes of answers and silence."""

import random

from support import spread
from support.heap import free_of_heap
from support.polling import polling
from support.umb import raises

from umb import errors
from umb.client.status import BAD_REPLY, NO_CONNECTION, NO_REPLY
from umb.client.tcp import TCPClient
from umb.points import Points, PointStore
from umb.poller import Poller
from umb.poller.device import error_for
from umb.server import Server

_METER = [
    {"name": "voltage", "address": 0, "input_type": "input", "data_type": "uint16", "scale": 0.1},
    {"name": "current", "address": 1, "input_type": "input", "data_type": "float32"},
    {
        "name": "serial",
        "address": 40,
        "input_type": "input",
        "data_type": "uint32",
        "scan_interval": 0,
    },
    {"name": "test", "address": 9, "data_type": "uint16", "scan_interval": None},
    {"name": "setpoint", "address": 10, "writable": True, "scale": 0.5, "min_value": 0},
    {"name": "energy", "address": 11, "data_type": "int64", "writable": True, "scan_interval": 10},
    {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
    {"name": "flag", "address": 20, "bit": 3, "writable": True},
]


def meter(**values):
    """A PointStore of the meter, and a Server of it."""
    store = PointStore(Points(_METER))
    for name, value in values.items():
        store[name] = value
    return store, Server(store, slave_ids=(7,))


def requests(poller, begin=0):
    """What was asked from a time on, as (slave id, function code, address, quantity)."""
    return [
        (slave_id, pdu[0], pdu[1] << 8 | pdu[2], pdu[3] << 8 | pdu[4])
        for ms, slave_id, pdu in poller.client.log
        if ms >= begin
    ]


def test_values_arrive():
    store, server = meter(
        voltage=231.2, current=1.5, serial=123456, setpoint=21.5, relay=1, flag=1
    )
    poller, told = polling({7: server})
    device = poller.device(7, Points(_METER))
    assert device.state == "unknown" and device["voltage"] is None
    assert device.age_ms("voltage") is None
    poller.run(900)
    assert device.state == "online" and told.states == [(7, "online")]
    for name, value in (
        ("voltage", 231.2),
        ("current", 1.5),
        ("serial", 123456),
        ("test", None),
        ("setpoint", 21.5),
        ("energy", 0),
        ("relay", 1),
        ("flag", 1),
    ):
        assert device[name] == value, name
        assert value is None or (7, name, value) in told.changes
    assert len(told.changes) == 7
    assert 0 < device.age_ms("voltage") <= 900
    store["voltage"] = 230
    poller.run(1000)
    assert told.changes[7:] == [(7, "voltage", 230.0)]
    raises(KeyError, device.__getitem__, "volt")
    raises(KeyError, device.age_ms, "volt")
    raises(KeyError, device.refresh, "volt")


def test_intervals():
    _, server = meter()
    poller, _ = polling({7: server})
    device = poller.device(7, Points(_METER), interval_ms=500)
    poller.run(20_000)
    counted = {}
    for asked in requests(poller):
        counted[asked[1:3]] = counted.get(asked[1:3], 0) + 1
    assert counted[(4, 0)] == 40  # voltage and current
    assert counted[(4, 40)] == 1  # once
    assert (3, 9) not in counted  # on demand
    assert counted[(3, 11)] == 2  # every 10 s
    assert counted[(1, 3)] == 40
    assert device.missed_count == 0 and not device.overloaded
    device.refresh("test")
    poller.run(100)
    assert requests(poller, 20_000)[0] == (7, 3, 9, 1) and device["test"] == 0
    poller.run(5000)
    assert len([asked for asked in requests(poller, 20_000) if asked[2] == 9]) == 1


def test_it_begins_at_once():
    """Wherever the clock stands, nobody sleeps before the first request."""
    for start in (0, 1, (1 << 29) - 1, 1 << 29, (1 << 29) + 1, (1 << 30) - 1):
        _, server = meter()
        poller, _ = polling({7: server}, start=start)
        assert poller.nap_ms() == 500
        poller.device(7, Points(_METER))
        assert poller.nap_ms() == 0
        poller.run(20)
        assert len(poller.client.log) == 1


def test_an_interval_keeps_its_phase():
    _, server = meter()
    poller, _ = polling({7: server})
    poller.device(7, Points(_METER[:1]), interval_ms=100)
    poller.run(10_000)
    times = [ms for ms, _, _ in poller.client.log]
    assert len(times) == 100
    for i in range(1, 100):
        assert abs(times[i] - times[0] - 100 * i) <= 1


def test_writing():
    store, server = meter(setpoint=20)
    poller, told = polling({7: server})
    device = poller.device(7, Points(_METER))
    poller.run(500)
    told.changes.clear()
    begin = poller.client.clock.passed
    device["setpoint"] = 21
    device["setpoint"] = 22.5
    device["relay"] = 1
    device["energy"] = -7
    device["flag"] = True
    assert device["setpoint"] == 22.5 and device["relay"] == 1 and device["energy"] == -7
    assert device["flag"] == 1 and told.changes == []
    poller.run(400)
    assert [asked[1:3] for asked in requests(poller, begin)[:4]] == [
        (6, 10),
        (5, 3),
        (16, 11),
        (22, 20),
    ]
    assert store["setpoint"] == 22.5 and store["relay"] == 1 and store["energy"] == -7
    assert store["flag"] == 1 and store.holding_registers[20] == 8
    # All were read back, though their intervals were not over.
    assert sorted(told.changes) == [
        (7, "energy", -7),
        (7, "flag", 1),
        (7, "relay", 1),
        (7, "setpoint", 22.5),
    ]
    assert told.errors == []


def test_what_cannot_be_written():
    _, server = meter()
    poller, _ = polling({7: server})
    device = poller.device(7, Points(_METER))
    for name, value in (
        ("voltage", 1),
        ("setpoint", -1),
        ("setpoint", 1 << 20),
        ("setpoint", "1"),
        ("relay", 2),
        ("relay", None),
        ("flag", 2),
    ):
        text = str(raises(ValueError, device.__setitem__, name, value))
        assert text.startswith("point %r" % name), text
    raises(KeyError, device.__setitem__, "volt", 1)
    poller.run(1000)
    assert not [asked for asked in requests(poller) if asked[1] > 4]


def test_a_reading_under_way_does_not_undo_a_write():
    """At every moment of a round."""
    for when in spread(range(400), 60):
        store, server = meter(setpoint=20)
        poller, told = polling({7: server})
        device = poller.device(7, Points(_METER), interval_ms=300)
        poller.run(when)
        device["setpoint"] = 25
        for _ in range(700):
            poller.run(1)
            assert device["setpoint"] == 25, when
        assert store["setpoint"] == 25
        values = [value for _, name, value in told.changes if name == "setpoint"]
        assert values in ([20, 25], [25]), (when, values)


def test_the_last_write_wins_at_every_moment():
    for when in range(0, 200, 3):
        store, server = meter(setpoint=20)
        poller, _ = polling({7: server})
        device = poller.device(7, Points(_METER), interval_ms=300)
        poller.run(300)
        device["setpoint"] = 25
        poller.run(when)
        device["setpoint"] = 26
        for _ in range(300):
            poller.run(1)
            assert device["setpoint"] == 26
        assert store["setpoint"] == 26


def test_a_write_that_is_refused():
    def refuse(pdu):
        return bytes((pdu[0] | 0x80, 4)) if pdu[0] in (6, 16) else ask(pdu)

    _, server = meter(setpoint=20)
    ask = answers_of(server)
    poller, told = polling({7: refuse})
    device = poller.device(7, Points(_METER))
    poller.run(500)
    device["setpoint"] = 25
    assert device["setpoint"] == 25
    poller.run(300)
    assert device["setpoint"] == 20
    assert [error[:2] for error in told.errors] == [(7, "setpoint")]
    error = told.errors[0][2]
    assert isinstance(error, errors.ServerDeviceFailureError) and error.slave_id == 7
    text = "slave 7 refused a write of point 'setpoint': server device failure (exception 4)"
    assert str(error) == text, error
    assert [value for _, name, value in told.changes if name == "setpoint"] == [20, 20]
    assert device.state == "online"


def answers_of(server):
    """A function that answers as a Server does."""
    from support.pdu import ask

    return lambda pdu: ask(server, pdu, 7)


def test_devices_that_write_several_only():
    def without(pdu):
        return bytes((pdu[0] | 0x80, 1)) if pdu[0] in (5, 6) else ask(pdu)

    store, server = meter()
    ask = answers_of(server)
    poller, told = polling({7: without})
    device = poller.device(7, Points(_METER))
    poller.run(500)
    device["setpoint"] = 25
    device["relay"] = 1
    poller.run(400)
    assert store["setpoint"] == 25 and store["relay"] == 1 and told.errors == []
    device["relay"] = 0
    poller.run(400)
    assert store["relay"] == 0
    assert [pdu[0] for _, _, pdu in poller.client.log if pdu[0] > 4] == [6, 16, 15, 15]


def test_a_busy_device_gets_the_write_again():
    left = [3]

    def busy(pdu):
        if pdu[0] == 6 and left[0]:
            left[0] -= 1
            return b"\x86\x06"
        return ask(pdu)

    store, server = meter()
    ask = answers_of(server)
    poller, told = polling({7: busy})
    device = poller.device(7, Points(_METER))
    poller.run(500)
    device["setpoint"] = 25
    poller.run(4000)
    assert store["setpoint"] == 25 and told.errors == [] and left == [0]
    left[0] = 100
    device["setpoint"] = 26
    poller.run(20_000)
    assert store["setpoint"] == device["setpoint"] == 25 and device.state == "online"
    assert [error[:2] for error in told.errors] == [(7, "setpoint")] and left == [89]


def dead_after(server, alive):
    """A device that answers as long as alive() is true."""
    ask = answers_of(server)
    return lambda pdu: ask(pdu) if alive() else None


def test_offline_and_back():
    _, server = meter(voltage=230, serial=5)
    alive = [True]
    poller, told = polling({7: dead_after(server, lambda: alive[0])})
    device = poller.device(7, Points(_METER))
    poller.run(2000)
    assert device.state == "online"
    alive[0] = False
    died = poller.client.clock.passed
    while device.state == "online":
        poller.run(1)
    took = poller.client.clock.passed - died
    assert 3000 <= took <= 5000, took
    assert told.states == [(7, "online"), (7, "offline")]
    assert device["voltage"] == 230 and device.timeout_count >= 2
    begin = poller.client.clock.passed
    poller.run(200_000)
    probes = [ms for ms, _, _ in poller.client.log if ms >= begin]
    gaps = [probes[i + 1] - probes[i] for i in range(len(probes) - 1)]
    # One request each time, and then twice: the time-out takes 220 ms.
    for i in range(len(gaps)):
        assert abs(gaps[i] - min(500 * (i + 2), 10_000) - 220) <= 3, gaps
    alive[0] = True
    poller.run(10_500)
    assert device.state == "online" and told.states[-1] == (7, "online")
    assert device["serial"] == 5
    assert device.missed_count == 0


def test_errors_say_who_and_what():
    device = Poller(TCPClient(("10.0.0.5", 502))).device(7, Points(_METER), timeout_ms=300)
    for status, kind, text in (
        (NO_REPLY, errors.NoReplyError, "slave 7 did not answer a write within 300 ms"),
        (BAD_REPLY, errors.BadReplyError, "slave 7 gave no valid answer to a write"),
        (
            NO_CONNECTION,
            errors.NoConnectionError,
            "no connection to 10.0.0.5:502: closed meanwhile, for a write of slave 7",
        ),
        (
            10,
            errors.GatewayPathUnavailableError,
            "nothing leads to slave 7, for a write: gateway path unavailable (exception 10)",
        ),
    ):
        error = error_for(status, device, "a write")
        assert str(error) == text and type(error) is kind and error.slave_id == 7, error


def test_writes_to_a_device_that_is_gone():
    _, server = meter()
    alive = [True]
    poller, told = polling({7: dead_after(server, lambda: alive[0])})
    device = poller.device(7, Points(_METER))
    poller.run(1000)
    alive[0] = False
    device["setpoint"] = 3
    poller.run(6000)
    assert device.state == "offline"
    assert [error[:2] for error in told.errors] == [(7, "setpoint")]
    assert isinstance(told.errors[0][2], errors.NoReplyError)
    error = raises(errors.NoReplyError, device.__setitem__, "setpoint", 4)
    assert error.slave_id == 7
    assert str(error) == "slave 7 is offline: it cannot be asked for point 'setpoint'", error
    alive[0] = True
    poller.run(11_000)
    assert device.state == "online" and device["setpoint"] == 0


def test_writes_to_a_device_that_is_gone_are_lost_however_long_a_hook_takes():
    """When on_state returns, it may be time to ask the device again, which answers by then."""
    for hook_ms in (0, 400, 600, 5000):
        for writes in (1, 3):
            _, server = meter()
            alive = [True]
            poller, told = polling({7: dead_after(server, lambda alive=alive: alive[0])})
            device = poller.device(7, Points(_METER))

            def on_state(device, state, told=told, alive=alive, poller=poller, hook_ms=hook_ms):
                told.on_state(device, state)
                if state == "offline":
                    poller.client.clock.passed += hook_ms
                    alive[0] = True

            poller.on_state = on_state
            poller.run(1000)
            alive[0] = False
            names = ("setpoint", "energy", "relay")[:writes]
            for name in names:
                device[name] = 1
            poller.run(20_000)
            assert told.states == [(7, "online"), (7, "offline"), (7, "online")]
            assert [error[:2] for error in told.errors] == [(7, name) for name in names]
            assert [device[name] for name in names] == [0] * len(names)


def test_a_write_that_is_not_answered_once_is_sent_again():
    store, server = meter()
    lost = [True]
    ask = answers_of(server)

    def answer(pdu):
        if pdu[0] == 6 and lost.pop():
            lost.append(False)
            return None
        return ask(pdu)

    poller, told = polling({7: answer})
    device = poller.device(7, Points(_METER))
    poller.run(1000)
    device["setpoint"] = 3
    poller.run(3000)
    assert store["setpoint"] == 3 and told.errors == [] and told.states == [(7, "online")]


def test_what_is_no_absence():
    """Exceptions leave a device online, whichever they are; those of a gateway do not."""
    for code in tuple(spread(range(1, 256), 20)) + (10, 11):
        poller, _ = polling({7: lambda pdu, code=code: bytes((pdu[0] | 0x80, code))})
        device = poller.device(7, Points(_METER[:2]), interval_ms=200)
        poller.run(8000)
        wanted = "offline" if code in (10, 11) else "online"
        assert device.state == wanted, code
        assert device.exception_count > 0 and device["voltage"] is None


def test_what_is_no_answer():
    for status in (BAD_REPLY, NO_CONNECTION):
        poller, told = polling({7: lambda _, status=status: status})
        device = poller.device(7, Points(_METER))
        poller.run(8000)
        assert device.state == "offline" and told.states == [(7, "offline")]
        assert (device.wrong_reply_count > 0) == (status == BAD_REPLY)
        assert device.timeout_count == 0


def test_dead_devices_leave_the_others_their_rate():
    """Eight slaves, two of them dead, a line that is busy 40 % of the time, whatever the order."""
    for dead in spread(((1, 2), (1, 8), (4, 5), (7, 8)), 2):
        devices = {}
        for slave_id in range(1, 9):
            store = PointStore(Points(_METER[:2]))
            devices[slave_id] = None if slave_id in dead else Server(store, slave_ids=(slave_id,))
        poller, _ = polling(devices, timeout_ms=500, wire_ms=40, answer_ms=10)
        for slave_id in devices:
            poller.device(slave_id, Points(_METER[:2]), interval_ms=1000)
        poller.run(10_000)  # until they are known to be dead
        begin = poller.client.clock.passed
        poller.run(120_000)
        for slave_id in devices:
            count = len([asked for asked in requests(poller, begin) if asked[0] == slave_id])
            if slave_id in dead:
                assert 8 <= count <= 40, (dead, slave_id, count)
            else:
                assert count >= 108, (dead, slave_id, count)


def test_more_than_the_line_can_take():
    """It is said, nobody starves, and what is due more often gets more."""
    devices = {}
    for slave_id in range(1, 5):
        devices[slave_id] = Server(PointStore(Points(_METER[:2])), slave_ids=(slave_id,))
    poller, _ = polling(devices, wire_ms=50, answer_ms=10)
    polled = [
        poller.device(slave_id, Points(_METER[:2]), interval_ms=100 if slave_id < 3 else 200)
        for slave_id in devices
    ]
    poller.run(20_000)
    for device in polled:
        assert device.overloaded and device.missed_count > 0 and device.state == "online"
        assert device.request_count > 40
    assert polled[0].request_count > polled[3].request_count
    polled[0].overloaded_before = True


def test_priority():
    """The one with a low priority waits, but no longer than a second."""
    devices = {}
    for slave_id in (1, 2):
        devices[slave_id] = Server(PointStore(Points(_METER[:1])), slave_ids=(slave_id,))
    poller, _ = polling(devices, wire_ms=50, answer_ms=10)
    high = poller.device(1, Points(_METER[:1]), interval_ms=50, priority=1)
    low = poller.device(2, Points(_METER[:1]), interval_ms=500)
    poller.run(30_000)
    times = [ms for ms, slave_id, _ in poller.client.log if slave_id == 2]
    gaps = [times[i + 1] - times[i] for i in range(len(times) - 1)]
    assert max(gaps) <= 500 + 1000 + 130, max(gaps)
    assert high.request_count > 10 * low.request_count


def test_a_pause_after_each_answer():
    _, server = meter()
    poller, _ = polling({7: server, 8: Server(PointStore(Points(_METER)), slave_ids=(8,))})
    poller.device(7, Points(_METER), interval_ms=200, pause_ms=80)
    poller.device(8, Points(_METER), interval_ms=200)
    poller.run(4000)
    times = [ms for ms, slave_id, _ in poller.client.log if slave_id == 7]
    for i in range(len(times) - 1):
        assert times[i + 1] - times[i] >= 25 + 80


def test_timeouts_of_devices():
    poller, _ = polling({})
    quick = poller.device(1, Points(_METER[:1]), timeout_ms=50)
    slow = poller.device(2, Points(_METER[:1]))
    poller.run(300)
    (first, second) = poller.client.log[:2]
    assert first[1] == 1 and second[0] - first[0] == 70
    assert (quick.timeout_ms, slow.timeout_ms) == (50, 200)


def test_old_values():
    _, server = meter(voltage=230)
    alive = [True]
    poller, _ = polling({7: dead_after(server, lambda: alive[0])})
    young = poller.device(7, Points(_METER), max_age_ms=1500)
    poller.run(1000)
    assert young["voltage"] == 230
    alive[0] = False
    seen = []
    for _ in range(3000):
        poller.run(1)
        seen.append(young["voltage"])
    assert seen[0] == 230 and seen[-1] is None and sorted(map(str, seen)) == list(map(str, seen))


def test_the_clock_wraps():
    """Wherever it stands at the start: intervals, ages and silence are as ever."""
    period = 1 << 30
    for start in (-1, -500, -1000, -3000, -7000, period // 2 - 1000, period // 2 - 5000):
        _, server = meter(voltage=230)
        alive = [True]
        poller, told = polling({7: dead_after(server, lambda alive=alive: alive[0])}, start=start)
        device = poller.device(7, Points(_METER), interval_ms=500)
        poller.run(10_000)
        assert 19 <= len([asked for asked in requests(poller) if asked[1:3] == (4, 0)]) <= 20
        assert device.age_ms("voltage") <= 510
        alive[0] = False
        poller.run(6000)
        assert told.states == [(7, "online"), (7, "offline")], start
        assert 5000 < device.age_ms("voltage") <= 6510


def test_ages_beyond_what_the_clock_tells():
    """Days pass: a value does not become young again, and a point is read when it is wanted."""
    period = 1 << 30
    _, server = meter(voltage=230)
    poller, _ = polling({7: server}, start=5)
    device = poller.device(7, Points(_METER[2:4]), max_age_ms=5000)
    device.refresh("test")
    poller.run(100)
    assert device["serial"] == 0 and device["test"] == 0
    for _ in range(40):
        poller.client.clock.passed += period >> 5
        poller.run(30)
        assert device["serial"] is None and device.age_ms("serial") >= 1 << 24
    assert device.age_ms("serial") == 1 << 27
    asked = len(poller.client.log)
    device.refresh("test")
    poller.run(30)
    assert len(poller.client.log) == asked + 1 and device["test"] == 0


def test_a_broken_hook_harms_nobody(**_):
    import sys

    def broken(*_):
        raise RuntimeError("broken")

    _, server = meter(voltage=230)
    poller, _ = polling({7: server})
    poller.on_change = poller.on_state = broken
    printed = []
    before = sys.print_exception
    device = poller.device(7, Points(_METER))
    try:
        sys.print_exception = printed.append
    except AttributeError:  # a module in ROM: it prints
        pass
    try:
        poller.run(1000)
    finally:
        if printed:
            sys.print_exception = before
    assert device["voltage"] == 230


def test_deadband():
    points = [
        {"name": "v", "address": 0, "scale": 0.1, "deadband": 0.5},
        {"name": "f", "address": 1, "data_type": "float32", "deadband": 1},
        {"name": "n", "address": 3, "nan_value": -1, "deadband": 5},
    ]
    store = PointStore(Points(points))
    poller, told = polling({7: Server(store, slave_ids=(7,))})
    device = poller.device(7, Points(points), interval_ms=100)
    for v, f, n in ((1, 5, 3), (1.4, 5.9, 4), (1.5, 6, None), (1.1, 5.5, None), (0.9, 4, 5)):
        store["v"] = v
        store["f"] = f
        store["n"] = n
        poller.run(200)
        assert device["v"] == v and abs(device["f"] - f) < 1e-6 and device["n"] == n
    told_of = {}
    for _, name, value in told.changes:
        told_of.setdefault(name, []).append(value)
    assert told_of == {"v": [1.0, 1.5, 0.9], "f": [5.0, 6.0, 4.0], "n": [3, None, 5]}


def test_exponents():
    points = [
        {"name": "w", "address": 0, "scale_factor": "w_sf"},
        {"name": "w_sf", "address": 1},
        {"name": "va", "address": 2, "scale_factor": "va_sf"},
        {"name": "va_sf", "address": 3, "scan_interval": 0},
    ]
    store = PointStore(Points(points))
    store["w_sf"] = 2
    store["va_sf"] = -1
    store["w"] = 4200
    store["va"] = 12.3
    poller, told = polling({7: Server(store, slave_ids=(7,))})
    device = poller.device(7, Points(points), interval_ms=100)
    poller.run(400)
    assert device["w"] == 4200 and device["va"] == 12.3
    for name, value in (("w", 4200), ("va", 12.3)):
        assert [told for _, one, told in told.changes if one == name][-1] == value
    told.changes.clear()
    store["w_sf"] = 1
    poller.run(200)
    assert (7, "w", 420) in told.changes


def test_arguments():
    poller, _ = polling({})
    points = Points(_METER)
    for slave_id in (-1, 256, "1", None, 1.0):
        raises(ValueError, poller.device, slave_id, points)
    for wrong in (None, [], "x"):
        raises(ValueError, poller.device, 1, wrong)
    for key, values in (
        ("interval_ms", (0, 9, -1, None, "1", 1.5, 1 << 40)),
        ("max_gap", (-1, 65536, "1")),
        ("max_span", (0, 126, "1")),
        ("pause_ms", (-1, 1.5)),
        ("timeout_ms", (0, -1, "x")),
        ("priority", (None, 0.5, 101)),
        ("max_age_ms", (0, -5, "x")),
        (
            "ranges",
            (
                [],
                {"inputs": []},
                {"input": [5]},
                {"input": [(0, 70000)]},
                {"input": [(5, 4)]},
                {"input": [(0, 40)]},
            ),
        ),
    ):
        for value in values:
            raises(ValueError, poller.device, 1, points, **{key: value})
    text = str(raises(ValueError, poller.device, 1, points, max_span=1))
    assert text == "point 'current' takes 2 registers, which is more than max_span"
    for ranges in ({"input": 5}, {"input": None}, {"input": "ab"}, {"input": {1: 2}}, [(0, 1)]):
        raises(ValueError, poller.device, 1, points, ranges=ranges)
    text = str(raises(ValueError, poller.device, 1, points, ranges={"input": [(0, 40)]}))
    assert text == "point 'serial' is in none of the ranges"
    assert poller.devices == []
    for wrong in (None, 5, poller):
        raises(ValueError, Poller, wrong)
    for hook in ("on_change", "on_state", "on_error"):
        raises(ValueError, Poller, poller.client, **{hook: 5})


class Rounds:
    """Rounds of a poller without changes."""

    faults = 0

    def __init__(self, **named):
        _, server = meter(voltage=230, current=1.5)
        self.poller, _ = polling({7: server, 9: None}, **named)
        self.poller.client.is_logging = False
        self.device = self.poller.device(7, Points(_METER), interval_ms=100)
        self.dead = self.poller.device(9, Points(_METER), interval_ms=100)
        self.poller.run(20_000)


def go_round(subject):
    before = subject.device.answer_count
    subject.poller.run(3000)
    if subject.device.answer_count - before < 20:
        subject.faults += 1


def test_rounds_allocate_nothing():
    free_of_heap("polling", go_round, Rounds())


def test_random_bits():
    """Points that are bits, in blocks of every length, have their own values."""
    rng = random
    for seed in range(20):
        rng.seed(seed)
        points = []
        address = rng.randrange(100)
        for i in range(rng.randrange(1, 60)):
            points.append({"name": "b%d" % i, "address": address, "input_type": "discrete_input"})
            address += rng.choice((1, 1, 2, 9, 300))
        store = PointStore(Points(points))
        for point in points:
            store[point["name"]] = rng.randrange(2)
        poller, _ = polling({7: Server(store, slave_ids=(7,))})
        refusing = poller.device(7, Points(points), max_gap=0)
        poller.run(60 * 30)
        for point in points:
            assert refusing[point["name"]] == store[point["name"]]
