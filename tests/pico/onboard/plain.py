"""Programs that use machine.UART as it is, for the tests of the bench itself. MicroPython."""

import time

import machine
from machine import UART, Pin

de = Pin(2, Pin.OUT, value=0)


def ready_with_uart(baudrate, parity, stop):
    """Open UART 0 and tell the bench that we are ready."""
    uart = UART(0, baudrate, bits=8, parity=parity, stop=stop, tx=Pin(0), rx=Pin(1))
    Pin(22)(1)
    return uart


def send_zeros(*form):
    """Send eight characters."""
    ready_with_uart(*form).write(bytes(8))


def see(*form):
    """Pulse the pin when the first character is there, and print it."""
    uart = ready_with_uart(*form)
    while not uart.any():
        pass
    de(1)
    de(0)
    print(uart.read(1))


def see_silence(*form):
    """Raise the pin in the receive time-out's interrupt."""
    uart = ready_with_uart(*form)
    uart.irq(lambda _: de(1), uart.IRQ_RXIDLE, True)
    time.sleep_ms(20)
    uart.irq(None, 0)
    de(0)


def sleep_on_duty(*form):
    """Fetch nothing for some milliseconds, then print how much is there."""
    state = machine.disable_irq()
    uart = ready_with_uart(*form)
    for _ in range(300):
        time.sleep_us(10)
    machine.enable_irq(state)
    print(uart.any())


def echo(count, flush, *form):
    """Send back what comes, with the pin around it, which falls too early unless `flush`."""
    uart = ready_with_uart(*form)
    data = bytearray(count)
    while uart.any() < count:
        pass
    uart.readinto(data, count)
    time.sleep_us(1000)  # sleep_ms(1) may end at once on this port
    de(1)
    uart.write(data)
    if flush:
        uart.flush()
    de(0)
    time.sleep_ms(50)
