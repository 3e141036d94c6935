"""A Poller whose steps take time: values are taken while the next request is under way."""

import random

from support import spread
from support.polling import polling

from umb.points import Points, PointStore
from umb.server import Server

_LARGE = [
    {"name": "p%d" % i, "address": 2 * i, "input_type": "input", "data_type": "uint32"}
    for i in range(40)
]
_SMALL = [
    {"name": "q0", "address": 0, "input_type": "input"},
    {"name": "q1", "address": 500, "input_type": "input"},
    {"name": "once", "address": 7, "scan_interval": 0},
    {"name": "setpoint", "address": 9, "writable": True},
    {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
]


def devices(**named):
    """A Poller of a large device 1 and of a small one 2: (poller, told, large, small, stores)."""
    stores = [PointStore(Points(points)) for points in (_LARGE, _SMALL)]
    servers = {i + 1: Server(stores[i], slave_ids=(i + 1,)) for i in range(2)}
    poller, told = polling(servers, **named)
    large = poller.device(1, Points(_LARGE), interval_ms=60)
    small = poller.device(2, Points(_SMALL), interval_ms=20, max_gap=0)
    return poller, told, large, small, stores


def test_every_value_arrives_and_none_comes_back():
    """However long a step takes and the devices do, values that only grow are told as growing."""
    rng = random
    for seed in range(40):
        rng.seed(seed)
        named = {"wire_ms": rng.choice((0, 1, 5)), "answer_ms": rng.choice((0, 1, 8))}
        poller, told, large, small, stores = devices(**named)
        step_ms = rng.choice((1, 1, 2, 5))
        count = 0
        for _ in range(25):
            for _ in range(rng.randrange(6)):
                count += 1
                stores[0]["p%d" % rng.randrange(40)] = count
                stores[1]["q%d" % rng.randrange(2)] = count
            poller.run(rng.randrange(1, 60), step_ms)
        poller.run(500 * step_ms, step_ms)
        for device, store in ((large, stores[0]), (small, stores[1])):
            for name in device.points:
                assert device[name] == store[name], (seed, name, device[name], store[name])
                values = [value for _, one, value in told.changes if one == name]
                assert values == sorted(set(values)), (seed, name, values)
        asked = [slave_id for _, slave_id, _ in poller.client.log]
        assert len(asked) == large.answer_count + small.answer_count + (
            poller._device is not None  # one is under way
        )
        assert asked.count(1) > 5 and asked.count(2) > 20


def test_a_reading_does_not_undo_a_write():
    """One that was asked for while values of an earlier reply were still taken, neither."""
    for when in spread(range(120), 60):
        poller, told, _, small, stores = devices(wire_ms=1, answer_ms=1)
        stores[1]["setpoint"] = 20
        poller.run(200 + when, 1)
        small["setpoint"] = 25
        for _ in range(300):
            poller.run(1, 1)
            assert small["setpoint"] == 25, when
        assert stores[1]["setpoint"] == 25
        values = [value for _, name, value in told.changes if name == "setpoint"]
        assert values == [20, 25], (when, values)


def test_a_write_goes_before_a_reading_that_was_chosen():
    for when in spread(range(120), 60):
        poller, _, _, small, _ = devices(wire_ms=3, answer_ms=3)
        poller.run(200 + when, 1)
        count = len(poller.client.log)
        small["relay"] = 1
        poller.run(60, 1)
        functions = [pdu[0] for _, _, pdu in poller.client.log[count : count + 2]]
        assert functions[0] == 5, (when, functions)


def test_finish_at_every_moment():
    """What was received stays, and what is read once is asked for again if it was given up."""
    for when in spread(range(90), 45):
        poller, told, large, small, stores = devices(wire_ms=3, answer_ms=3)
        stores[1]["once"] = 4711
        stores[0]["p39"] = 70_000
        poller.run(when, 1)
        answers = large.answer_count
        poller.finish()
        if large.answer_count > answers or answers:
            assert large["p39"] == 70_000, when
        poller.finish()
        poller.run(200, 1)
        assert small["once"] == 4711 and large["p39"] == 70_000, when
        assert [value for _, name, value in told.changes if name == "once"] == [4711]
        assert large.timeout_count + large.wrong_reply_count + large.exception_count == 0


def test_a_hook_that_finishes():
    """finish() in a hook: values of the reply that is being taken are there nevertheless."""
    poller, told, large, _, stores = devices(wire_ms=1, answer_ms=1)
    for i in range(40):
        stores[0]["p%d" % i] = i + 1

    def finish(device, name, value):
        told.on_change(device, name, value)
        poller.finish()

    poller.on_change = finish
    poller.run(300, 1)
    values = [value for slave_id, _, value in told.changes if slave_id == 1]
    assert sorted(values) == list(range(1, 41))
    assert large["p0"] == 1 and large["p39"] == 40
