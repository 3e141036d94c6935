"""PioPin and PioIdle: state machines of an RP2040 or RP2350 that serve a serial line.

Raises ImportError on boards without PIO.
"""
# ruff: noqa: F821 - the names in a program are those of PIO's instructions

from time import sleep_us

from machine import Pin
from micropython import const

from ..check import integer

try:
    import rp2
except ImportError:
    raise ImportError("umb.port.pio needs the PIO of an RP2040 or RP2350") from None

_CYCLES = const(8)  # of PioPin's state machine in a bit,
_IDLE_CYCLES = const(32)  # and of PioIdle's
_MOST_MACHINE = const(11)  # an RP2350 has 12, an RP2040 8
# Instructions.
_SET_PINS = const(0xE000)  # set(pins, 0)
_PULL = const(0x80A0)  # pull(block)
_MOV_ISR_OSR = const(0xA0C7)  # mov(isr, osr)


class PioPin:
    """A direction pin, `de` of RTUServer or RTUClient, that falls by itself behind a frame.

    pin              its number
    tx               the number of the UART's TX pin, which a state machine watches
    state_machine    the number of one that nothing else uses, 0 to 7; on an RP2350 to 11

    It is switched to transmit by the program, and to receive within a bit after the last stop bit,
    by hardware, whatever the program does then. The state machine has 9 instructions: it steps
    over each character, and looks whether another one begins right behind it.
    """

    def __init__(self, pin: int, *, tx: int, state_machine: int = 0):
        integer("state_machine", state_machine, 0, _MOST_MACHINE)
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
        """Set the pin; at the level of transmit, until the frame that follows is over.

        watch_frames() has to come first.
        """
        machine = self._machine
        if level == self._idle:
            machine.restart()
        machine.exec(_SET_PINS | level)
        if level != self._idle:
            machine.put(self._count)
            sleep_us(self._cycle_us)  # it takes effect with the next cycle


class PioIdle:
    """Tells when a line falls silent, `idle` of RTUServer, for one that is served by start().

    rx               the number of the UART's RX pin, which a state machine watches
    state_machine    the number of one that nothing else uses, 0 to 7; on an RP2350 to 11

    It does so half a character after the last one, long before the UART's own event: the rest of
    t3.5 is left for the answer. Pauses inside a frame are no end of it: its length and its CRC
    decide. The state machine has 9 instructions. It steps over each character whose start bit
    lasts half a bit at least, as a UART does. stop() releases it.
    """

    def __init__(self, rx: int, *, state_machine: int = 1):
        integer("state_machine", state_machine, 0, _MOST_MACHINE)
        self._rx = rx
        self._number = state_machine
        self._machine = None

    def watch_silence(self, baudrate: int, bits: int, stop: int, handler) -> int:
        """Call handler(_) in an interrupt whenever the line has fallen silent, from now on.

        Characters have so many bits, `stop` of which are stop bits. Returns for how many
        microseconds it has been silent then: from the middle of the first stop bit on.
        """
        pin = Pin(self._rx)
        self._machine = machine = rp2.StateMachine(
            self._number, _idle_program(), freq=_IDLE_CYCLES * baudrate, in_base=pin, jmp_pin=pin
        )
        machine.put(_IDLE_CYCLES * bits // 4 - 1)  # looks at the pin, two cycles each
        machine.exec(_PULL)
        machine.exec(_MOV_ISR_OSR)
        # From half a bit after the edge to the middle of the first stop bit, less what the other
        # instructions take.
        machine.put(_IDLE_CYCLES * (bits - stop) - 3)
        machine.exec(_PULL)
        machine.irq(handler, hard=True)
        machine.active(1)
        return 500_000 * bits // baudrate

    def stop(self):
        """Call the handler no longer, and leave the state machine to others."""
        self._machine.active(0)
        self._machine.irq(None)


_programs = {}  # by the level of receive, None is PioIdle's: each takes room in a PIO once


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


def _idle_program():
    """Return the state machine's program, which interrupts when the pin has been high for long."""
    if None in _programs:
        return _programs[None]

    @rp2.asm_pio()
    def program():
        wrap_target()
        wait(0, pin, 0)
        label("start")
        mov(x, osr)[14]
        jmp(pin, "silence")  # that was no start bit
        label("step")
        jmp(x_dec, "step")
        label("silence")
        mov(y, isr)
        label("look")
        jmp(pin, "high")
        jmp("start")
        label("high")
        jmp(y_dec, "look")
        irq(rel(0))
        wrap()

    _programs[None] = program
    return program
