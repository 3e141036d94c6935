"""A Bridge built with `umb`, run on the board by test_bridge.py, with a broker in memory."""

import gc
from time import ticks_diff, ticks_us

from umb.bridge import Bridge
from umb.bridge.discovery import Discovery
from umb.bridge.pieces import next_of
from umb.points import Points, PointStore


class Broker:
    """Takes every message, and keeps none; of one in pieces it takes a piece in each poll()."""

    connected = False
    sessions = 0
    unacknowledged = 0
    error = ""

    def open(self, *_):
        self.count = 0
        self._pieces = None

    def poll(self):
        if self._pieces is not None and next_of(self._pieces) is None:
            self._pieces = None
            self.count += 1
        return 0

    def nap_ms(self):
        return 500 if self._pieces is None else 0

    def publish(self, _topic, _payload, _qos=0, _retain=False):
        if self._pieces is None:
            self.count += 1
        return self._pieces is None

    def stream(self, _topic, _size, pieces, _retain=True):
        self._pieces = pieces
        return True


def floats(n):
    """Points of a meter with so many floats side by side."""
    return [
        {
            "name": "point %d" % i,
            "address": 2 * i,
            "input_type": "input",
            "data_type": "float32",
            "precision": 1,
            "unit_of_measurement": "V",
            "device_class": "voltage",
        }
        for i in range(n)
    ]


def settle(bridge):
    """Poll until nothing is to be done at once. Returns the longest poll(), in microseconds."""
    longest_us = 0
    while True:
        begin_us = ticks_us()
        bridge.poll()
        longest_us = max(longest_us, ticks_diff(ticks_us(), begin_us))
        if bridge.nap_ms():
            return longest_us


def run(n):
    """Print the heap that a Bridge of n points takes, and what its polls take of time and heap.

    Bytes of the Bridge; microseconds of the longest poll() with nothing to do but to look at
    values, of one that publishes a value, and of the longest one of a session that begins, with
    all values and discovery; bytes of heap of 100 polls in which nothing changes.
    """
    points = Points(floats(n))
    store = PointStore(points)
    broker = Broker()
    gc.collect()
    start = gc.mem_alloc()
    bridge = Bridge(store, broker, name="b", interval_ms=0, period_ms=None, discovery=Discovery())
    gc.collect()
    size = gc.mem_alloc() - start
    gc.disable()
    broker.connected = True
    broker.sessions = 1
    discovery_us = settle(bridge)
    assert broker.count == 2 + n + 1, broker.count
    gc.collect()
    settle(bridge)
    before = gc.mem_alloc()
    idle_us = 0
    for _ in range(100):
        begin_us = ticks_us()
        bridge.poll()
        idle_us = max(idle_us, ticks_diff(ticks_us(), begin_us))
    heap = gc.mem_alloc() - before
    store["point 3"] = 231.2
    value_us = 0
    while broker.count == 3 + n:
        begin_us = ticks_us()
        bridge.poll()
        value_us = ticks_diff(ticks_us(), begin_us)
    print(size, idle_us, value_us, discovery_us, heap)
