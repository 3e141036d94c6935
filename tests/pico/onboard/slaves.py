"""Slaves built with `umb`, run on the board by bench/slave.py. MicroPython."""

import gc
import time

from machine import Pin
from micropython import const

from umb.serve import serve as serve_drivers
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Registers, Store

_READY_PIN = const(22)
_REGISTERS = const(100)
# Register n holds 257 * n: the same byte twice.
_VALUES = bytes(address for address in range(_REGISTERS) for _ in range(2))


def make(baudrate, parity, stop, slave_id=1, uart=0):
    """Return a slave on a UART: 0 on GPIO 0 and 1 with the direction pin 2, or 1 on 4, 5 and 6."""
    registers = Registers(0, _REGISTERS)
    registers.put(0, _REGISTERS, _VALUES, 0)
    store = Store(coils=32, holding_registers=registers)
    at = 4 * uart
    line = {"baudrate": baudrate, "parity": parity, "stop": stop}
    return RTUServer(uart, Server(store, (slave_id,)), tx=at, rx=at + 1, de=at + 2, **line)


def serve(*args):
    """Answer until interrupted, the way the README shows it."""
    slave = make(*args)
    Pin(_READY_PIN)(1)
    while True:
        slave.poll()


def poll_every_2_ms(*args):
    """Answer until interrupted, with work of its own between the polls."""
    slave = make(*args)
    Pin(_READY_PIN)(1)
    while True:
        slave.poll()
        time.sleep_us(1900)  # and what the loop itself takes


def sleep(*args):
    """Answer until interrupted, sleeping while nothing comes."""
    slave = make(*args)
    Pin(_READY_PIN)(1)
    slave.serve_forever()


def serve_two(*args):
    """Answer on both UARTs until interrupted."""
    slaves = make(*args), make(*args, uart=1)
    Pin(_READY_PIN)(1)
    serve_drivers(*slaves)


def count_heap(requests, idle_polls, *args):
    """Answer `requests`, then poll in vain; print the heap bytes that each of the two took."""
    slave = make(*args)
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        Pin(_READY_PIN)(1)
        answered = 0
        while answered < requests:
            answered += slave.poll()
        served = gc.mem_alloc()
        for _ in range(idle_polls):
            slave.poll()
        print(served - start, gc.mem_alloc() - served)
    finally:
        gc.enable()
