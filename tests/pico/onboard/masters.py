"""Masters built with `umb`, run on the board by test_client.py. MicroPython."""

import gc

from time import sleep_ms

from machine import Pin
from micropython import const

from umb.client.rtu import RTUClient
from umb.errors import ModbusError

_READY_PIN = const(22)
_RETURNED_PIN = const(3)  # rises when a call has returned, or raised
_SLAVE_ID = const(1)

returned = Pin(_RETURNED_PIN, Pin.OUT, value=0)


def make(form, options):
    """Return a master on UART 0, GPIO 0 and 1 with the direction pin 2, of these options."""
    baudrate, parity, stop = form
    line = {"baudrate": baudrate, "parity": parity, "stop": stop}
    client = RTUClient(0, tx=0, rx=1, de=2, **line, **options)
    gc.collect()
    return client


def call(method, *args):
    """What the call returns, or its error's name; the pin tells when that was."""
    returned(0)
    try:
        result = method(*args)
        returned(1)
    except ModbusError as error:
        returned(1)
        return type(error).__name__
    return result


def read(form, quantities, **options):
    """Read so many registers, back to back; print what came, a line each."""
    client = make(form, options)
    results = []
    Pin(_READY_PIN)(1)
    for quantity in quantities:
        results.append(call(client.read_holding_registers, _SLAVE_ID, 0, quantity))
    for result in results:
        print(repr(result))


def broadcast(form, values, **options):
    """Write each value to register 5 of everyone; print what comes of it."""
    client = make(form, options)
    results = []
    Pin(_READY_PIN)(1)
    for value in values:
        results.append(call(client.write_single_register, 0, 5, value))
    for result in results:
        print(repr(result))


def count_heap(form, times, quantity, **options):
    """Read once and `times` more into the same list; print the heap bytes of those, and the list.

    A poller makes itself a tuple when it first has something to tell.
    """
    client = make(form, options)
    values = [0] * quantity
    gc.disable()
    try:
        Pin(_READY_PIN)(1)
        client.read_holding_registers(_SLAVE_ID, 0, quantity, values)
        start = gc.mem_alloc()
        for _ in range(times):
            client.read_holding_registers(_SLAVE_ID, 0, quantity, values)
        print(gc.mem_alloc() - start)
        print(values)
    finally:
        gc.enable()


def read_after_rest(form, quantities, rest_ms, **options):
    """As read() into a list, each call after so much rest; returns print nothing but errors."""
    client = make(form, options)
    values = [0] * 125
    Pin(_READY_PIN)(1)
    for quantity in quantities:
        sleep_ms(rest_ms)
        if call(client.read_holding_registers, _SLAVE_ID, 0, quantity, values) != quantity:
            print("'it failed'")
