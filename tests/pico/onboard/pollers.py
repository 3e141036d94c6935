"""Pollers built with `umb`, run on the board by test_poller.py. MicroPython."""

import gc
from time import ticks_diff, ticks_ms, ticks_us

from machine import Pin
from micropython import const

from umb.client.rtu import RTUClient
from umb.points import Points
from umb.poller import Poller

_READY_PIN = const(22)


def floats(n):
    """Points of a meter with so many floats side by side."""
    units = ("V", "A", "W", "Hz", "kWh")
    return [
        {
            "name": "point %d" % i,
            "address": 2 * i,
            "input_type": "input",
            "data_type": "float32",
            "precision": 1,
            "unit_of_measurement": units[i % 5],
        }
        for i in range(n)
    ]


def make(form, **options):
    """Return a Poller on UART 0, GPIO 0 and 1 with the direction pin 2."""
    baudrate, parity, stop = form
    line = {"baudrate": baudrate, "parity": parity, "stop": stop}
    return Poller(RTUClient(0, tx=0, rx=1, de=2, **line, **options))


def ram(form, n):
    """Print the bytes of n points, and of them with a device."""
    poller = make(form)
    dicts = floats(n)
    Points(dicts[:1])
    gc.collect()
    start = gc.mem_alloc()
    points = Points(dicts)
    gc.collect()
    of_points = gc.mem_alloc() - start
    poller.device(1, points)
    gc.collect()
    print(of_points, gc.mem_alloc() - start)


def run(form, slaves, n, interval_ms, ms, **options):
    """Poll slaves 1, 2, ... with n points each for so long.

    Prints the heap bytes of the time after the first third; the longest poll() and the mean in
    microseconds, without the time that a request takes on the line; the answers of each; their
    states; a value, and how many readings were missed.
    """
    poller = make(form, **options)
    points = Points(floats(n))
    devices = [poller.device(i + 1, points, interval_ms=interval_ms) for i in range(slaves)]
    gc.collect()
    gc.disable()
    Pin(_READY_PIN)(1)
    begin_ms = ticks_ms()
    while ticks_diff(ticks_ms(), begin_ms) < ms // 3:
        poller.poll(poller.nap_ms())
    start = gc.mem_alloc()
    before = [device.answer_count for device in devices]
    line = poller.client.line
    after_begin = gc.mem_alloc() - start
    longest_us = 0
    total_us = 0
    count = 0
    while ticks_diff(ticks_ms(), begin_ms) < ms:
        poller.client.sleep(poller.nap_ms())
        end_us = line.end_us
        start_us = ticks_us()
        poller.poll()
        took_us = ticks_diff(ticks_us(), start_us)
        if line.end_us != end_us:
            took_us -= line.frame_us
        longest_us = max(longest_us, took_us)
        total_us += took_us
        count += 1
    heap = gc.mem_alloc() - start - after_begin
    gc.enable()
    print(heap, longest_us, total_us // count)
    print([devices[i].answer_count - before[i] for i in range(slaves)])
    print([device.state for device in devices])
    print(devices[0]["point 0"], [device.missed_count for device in devices])
