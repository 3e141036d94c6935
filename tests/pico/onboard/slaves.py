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
_IDLE_POLLS = const(50)
# Register n holds 257 * n: the same byte twice.
_VALUES = bytes(address for address in range(_REGISTERS) for _ in range(2))


def make(baudrate, parity, stop, slave_id=1, *, uart=0, de=None, idle=None):
    """Return a slave on a UART: 0 on GPIO 0 and 1 with the direction pin 2, or 1 on 4, 5 and 6."""
    registers = Registers(0, _REGISTERS)
    registers.put(0, _REGISTERS, _VALUES, 0)
    store = Store(coils=32, holding_registers=registers)
    at = 4 * uart
    line = {"baudrate": baudrate, "parity": parity, "stop": stop, "de": de or at + 2, "idle": idle}
    return RTUServer(uart, Server(store, (slave_id,)), tx=at, rx=at + 1, **line)


def make_with_pio(*args, uart=0):
    """As make(), with state machines for the direction pin and the end of frames."""
    from umb.port.pio import PioIdle, PioPin  # noqa: PLC0415 - boards without PIO have no module rp2

    at = 4 * uart
    pin = PioPin(at + 2, tx=at, state_machine=at)
    return make(*args, uart=uart, de=pin, idle=PioIdle(at + 1, state_machine=at + 1))


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


def count_heap(requests, *args):
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
        for _ in range(_IDLE_POLLS):
            slave.poll()
        print(served - start, gc.mem_alloc() - served)
    finally:
        gc.enable()


def compute(*args):
    """Answer in the background until interrupted, while the program computes without a pause."""
    compute_beside(make(*args))


def compute_with_pio(*args):
    """As compute(), with two state machines."""
    compute_beside(make_with_pio(*args))


def compute_beside(*slaves):
    """Have slaves answer in the background until interrupted, while the program computes."""
    for slave in slaves:
        slave.start()
    try:
        count()
    finally:
        for slave in slaves:
            slave.stop()


def poll_seldom_with_pio(*args):
    """Poll every 10 ms: the pin falls in time all the same."""
    from umb.port.pio import PioPin  # noqa: PLC0415 - as above

    slave = make(*args, de=PioPin(2, tx=0, state_machine=5))
    Pin(_READY_PIN)(1)
    while True:
        slave.poll()
        time.sleep_ms(10)


def compute_alone(*_):
    """Compute without a pause, and without a slave."""
    count()


def count():
    """Say that all is ready, and count hundreds in `hundreds[0]` until interrupted."""
    hundreds[0] = n = 0
    Pin(_READY_PIN)(1)
    while True:
        n += 1
        if n == 100:
            n = 0
            hundreds[0] += 1


hundreds = [0]


def abandon(*args):
    """Answer in the background, while the program that began that is no more."""
    make(*args).start()
    Pin(_READY_PIN)(1)


def compute_two(*args):
    """Answer on both UARTs in the background until interrupted, while the program computes."""
    compute_beside(make(*args), make(*args, uart=1))


def compute_two_with_pio(*args):
    """As compute_two(), with two state machines a line."""
    compute_beside(make_with_pio(*args), make_with_pio(*args, uart=1))


def fail(*args):
    """Answer in the background, with a hook that raises when register 7 is read."""

    def on_read(address, quantity):
        if address == 7:
            raise RuntimeError("register 7, %d" % quantity)

    slave = make(*args)
    slave.server.stores[args[3]].holding_registers.on_read = on_read
    compute_beside(slave)


def count_heap_in_background(requests, *args):
    """Serve `requests` in the background, then rest; print the heap bytes of both."""
    slave = make(*args)
    slave.start()
    time.sleep_ms(2)
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        Pin(_READY_PIN)(1)
        while slave.counters.event_count < requests or slave.state:
            pass
        served = gc.mem_alloc()
        time.sleep_ms(50)
        print(served - start, gc.mem_alloc() - served)
    finally:
        gc.enable()
        slave.stop()
