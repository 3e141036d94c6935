"""The data model on flat arrays: Registers take 2 bytes each, Bits 1 bit each (AP 4.3).

A block has `start`, len(), [address], has(), get() and put(). get and put take only addresses
that has() vouched for. Values travel as they do on the wire: registers big-endian, bits from the
lowest up. Hooks are the server's to call: a program that reads or writes a block calls none.
"""

import umb

from .crc import copy


class Registers:
    """`quantity` 16-bit registers from address `start` on, at most to 65535.

    -32768..65535 go in; 0..65535 come out, or signed: umb.conf.SIGNED_VALUES.

    on_read(address, quantity)   before values are read out for a client
    on_write(address, quantity)  after a client's values have been stored
    validate(address, value)     for each value a client wants to store; false refuses all of them

    Raises ValueError where the addresses would leave 0..65535.
    """

    bits = 16

    def __init__(self, start, quantity, *, on_read=None, on_write=None, validate=None):
        if start < 0 or quantity < 0 or start + quantity > 65536:
            from . import faults

            faults.start(start, quantity)
        self.start = start
        self.size = quantity
        self.data = bytearray(quantity * self.bits + 7 >> 3)
        self.on_read = on_read
        self.on_write = on_write
        self.validate = validate

    def __len__(self):
        return self.size

    def has(self, address, quantity):
        """Are all of `quantity` addresses from `address` on in this block?"""
        address -= self.start
        return address >= 0 and address + quantity <= self.size

    def __getitem__(self, address):
        if not self.has(address, 1):
            raise IndexError(address)
        return self.value(self.data, 0, address - self.start)

    def __setitem__(self, address, value):
        if not self.has(address, 1):
            raise IndexError(address)
        self.poke(self.data, 0, address - self.start, value)

    @staticmethod
    def value(buf, at, index):
        """Value number `index` of those that stand at buf[at:] as on the wire."""
        at += index << 1
        value = buf[at] << 8 | buf[at + 1]
        if value & 0x8000:
            conf = getattr(umb, "conf", None)  # it is there if the program has loaded it
            if conf is not None and conf.SIGNED_VALUES:
                value -= 0x10000
        return value

    @staticmethod
    def poke(buf, at, index, value):
        """Make `value` number `index` of those that stand at buf[at:] as on the wire."""
        if not -32768 <= value <= 65535:
            from . import faults

            faults.value(value)
        at += index << 1
        buf[at] = value >> 8 & 0xFF
        buf[at + 1] = value & 0xFF

    def get(self, address, quantity, buf, at):
        """Put `quantity` registers from `address` on into buf[at:]."""
        copy(buf, at, self.data, (address - self.start) << 1, quantity << 1)

    def put(self, address, quantity, buf, at):
        """Take `quantity` registers from buf[at:] and store them from `address` on."""
        copy(self.data, (address - self.start) << 1, buf, at, quantity << 1)


def __getattr__(name):
    """Bits: the class is made when somebody has some."""
    from .bits import find

    return find(name, Registers)


def _area(value, bits, default):
    """The block that a Store's argument stands for: a count, a block, or a tuple of blocks."""
    if not value:
        return default
    kind = Registers if bits > 1 else __getattr__("Bits")
    if isinstance(value, int):
        return kind(0, value)
    if not isinstance(value, (tuple, list)):
        return value
    from .blocks import Blocks

    return Blocks(kind, value)


class Store:
    """The four areas of a device. Each is a count (from address 0), a block, or a tuple of blocks.

    An area without addresses is answered by exception 2.
    """

    def __init__(self, coils=0, discrete_inputs=0, input_registers=0, holding_registers=0):
        default = Registers(0, 0)
        coils = self.coils = _area(coils, 1, default)
        holding = self.holding_registers = _area(holding_registers, 16, default)
        self.discrete_inputs = _area(discrete_inputs, 1, default)
        self.input_registers = _area(input_registers, 16, default)
        # By the last digit of the function code: 1-6, 15 and 16.
        self.areas = (
            None,
            coils,
            self.discrete_inputs,
            holding,
            self.input_registers,
            coils,
            holding,
        )
