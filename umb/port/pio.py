"""PioPin: a direction pin that hardware switches to receive, on an RP2040 or RP2350."""
# ruff: noqa: F821 - the names in a program are those of PIO's instructions

from time import sleep_us

import rp2
from machine import Pin
from micropython import const

_CYCLES = const(8)  # of the state machine in a bit
_SET_PINS = const(0xE000)  # the instruction set(pins, 0)


class PioPin:
    """A direction pin, `de` of RTUServer or RTUClient, that falls by itself behind a frame.

    pin              its number
    tx               the number of the UART's TX pin, which a state machine watches
    state_machine    the number of one that nothing else uses, 0 to 7

    It is switched to transmit by the program, and to receive within a bit after the last stop bit,
    by hardware, whatever the program does then. The state machine has 9 instructions: it steps
    over each character, and looks whether another one begins right behind it.
    """

    def __init__(self, pin: int, *, tx: int, state_machine: int = 0):
        self._pin = pin
        self._tx = tx
        self._number = state_machine
        self._machine = None
        self._idle = 0
        self._count = 0
        self._cycle_us = 0

    def watch_frames(self, baudrate: int, bits: int, idle: int):
        """Begin: characters of so many bits will be sent; the level `idle` is receive."""
        self._idle = idle
        # From the edge of its start bit to the middle of a character's last stop bit, less what
        # the other instructions take.
        self._count = _CYCLES * bits - _CYCLES
        self._cycle_us = 1_000_000 // (_CYCLES * baudrate) + 2  # and what is rounded off
        pin = Pin(self._tx)
        self._machine = rp2.StateMachine(
            self._number,
            _program(idle),
            freq=_CYCLES * baudrate,
            set_base=Pin(self._pin),
            in_base=pin,
            jmp_pin=pin,
        )
        self._machine.active(1)

    def __call__(self, level: int):
        """Set the pin; at the level of transmit, until the frame that follows is over."""
        machine = self._machine
        if machine is None:
            return  # it has no format yet
        if level == self._idle:
            machine.restart()
        machine.exec(_SET_PINS | level)
        if level != self._idle:
            machine.put(self._count)
            sleep_us(self._cycle_us)  # it takes effect with the next cycle


_programs = {}  # by the level of receive: each takes room in a PIO once


def _program(idle):
    """Return the state machine's program, which sets the pin to `idle` behind a frame."""
    if idle in _programs:
        return _programs[idle]

    @rp2.asm_pio(set_init=rp2.PIO.OUT_HIGH if idle else rp2.PIO.OUT_LOW)
    def program():
        wrap_target()
        pull(block)
        wait(0, pin, 0)  # the first start bit
        label("character")
        mov(x, osr)
        label("step")
        jmp(x_dec, "step")
        set(y, 3)  # for a bit's time, from the middle of the last stop bit on:
        label("look")
        jmp(pin, "high")
        jmp("character")  # the next start bit
        label("high")
        jmp(y_dec, "look")
        set(pins, idle)
        wrap()

    _programs[idle] = program
    return program
