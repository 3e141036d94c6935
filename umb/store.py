"""The data model on flat arrays: Registers take 2 bytes each, Bits 1 bit each (AP 4.3).

A block has `start`, len(), [address], [first:end], has(), get() and put(). get() and put() take
only addresses that has() has confirmed. Their values are as on the wire: registers big-endian,
bits from the lowest up. Hooks are called by the server, not by a program's own reads and writes.
"""

from . import conf
from .fast import copy

_INTEGER = (int, bool)  # MicroPython's bool is not an int


def _check_hooks(*hooks):
    for hook in hooks:
        if hook is not None and not callable(hook):
            raise TypeError("a hook must be a function, not %r" % (hook,))


class Registers:
    """`quantity` 16-bit registers from address `start` on, at most up to address 65535.

    quantity   a number of registers, or a list of their initial values

    Values are -32768..65535 when written, and 0..65535 when read, or -32768..32767 with
    umb.conf.SIGNED_VALUES. The hooks are called for requests of clients:

    on_read(address, quantity)   before values are read
    on_write(address, quantity)  after values have been stored
    validate(address, value)     for each value before any is stored; a false result refuses the
                                 whole request with exception 3

    Raises ValueError if the addresses leave 0..65535 or a value does not fit, TypeError for an
    argument of the wrong kind.
    """

    bits = 16

    def __init__(self, start, quantity, *, on_read=None, on_write=None, validate=None):
        values = None
        if isinstance(quantity, (list, tuple)):
            values = quantity
            quantity = len(values)
        if not (isinstance(start, int) and isinstance(quantity, int)):
            raise TypeError("start must be an integer, quantity an integer or a list of values")
        if start < 0 or quantity < 0 or start + quantity > 65536:
            raise ValueError("%d addresses from %d on leave 0..65535" % (quantity, start))
        _check_hooks(on_read, on_write, validate)
        self.start = start
        self.size = quantity
        self.data = bytearray(quantity * self.bits + 7 >> 3)
        self.on_read = on_read
        self.on_write = on_write
        self.validate = validate
        for i in range(quantity if values else 0):
            self.poke(self.data, 0, i, values[i])

    def __len__(self):
        return self.size

    def has(self, address, quantity):
        """Return whether all of `quantity` addresses from `address` on are in this block."""
        address -= self.start
        return address >= 0 and address + quantity <= self.size

    def __getitem__(self, address):
        if isinstance(address, slice):
            return [self[i] for i in self.addresses(address)]
        if not self.has(address, 1):
            raise IndexError("address %d is not in this block" % address)
        return self.value(self.data, 0, address - self.start)

    def __setitem__(self, address, value):
        if isinstance(address, slice):
            self._set_slice(self.addresses(address), value)
            return
        if not self.has(address, 1):
            raise IndexError("address %d is not in this block" % address)
        self.poke(self.data, 0, address - self.start, value)

    def addresses(self, part):
        """Return the range of addresses that block[first:end] means. Raises IndexError."""
        first = self.start if part.start is None else part.start
        end = self.start + len(self) if part.stop is None else part.stop
        if part.step not in (None, 1) or first > end or not self.has(first, end - first):
            raise IndexError("addresses %s:%s are not in this block" % (first, end))
        return range(first, end)

    def _set_slice(self, addresses, values):
        """Store all values, or none if one of them is wrong."""
        if len(values) != len(addresses):
            raise ValueError("%d values for %d addresses" % (len(values), len(addresses)))
        data = bytearray(self.data)
        for i in range(len(addresses)):
            self.poke(data, 0, addresses[i] - self.start, values[i])
        self.data[:] = data

    @staticmethod
    def value(buf, at, index):
        """Return value number `index` of those at buf[at:] as on the wire."""
        at += index << 1
        value = buf[at] << 8 | buf[at + 1]
        return value - 0x10000 if value & 0x8000 and conf.SIGNED_VALUES else value

    @staticmethod
    def poke(buf, at, index, value):
        """Set value number `index` of those at buf[at:] as on the wire. Raises ValueError."""
        if not (isinstance(value, _INTEGER) and -32768 <= value <= 65535):
            raise ValueError("a register takes an integer from -32768 to 65535, not %r" % (value,))
        at += index << 1
        buf[at] = value >> 8 & 0xFF
        buf[at + 1] = value & 0xFF

    def get(self, address, quantity, buf, at):
        """Copy `quantity` registers from `address` on to buf[at:]."""
        copy(buf, at, self.data, (address - self.start) << 1, quantity << 1)

    def put(self, address, quantity, buf, at):
        """Store `quantity` registers from buf[at:] at the addresses from `address` on."""
        copy(self.data, (address - self.start) << 1, buf, at, quantity << 1)


class Bits(Registers):
    """Coils or discrete inputs: values 0 and 1, eight to a byte. Everything else as Registers."""

    bits = 1

    @staticmethod
    def value(buf, at, index):
        """Return value number `index` of those at buf[at:] as on the wire."""
        return buf[at + (index >> 3)] >> (index & 7) & 1

    @staticmethod
    def poke(buf, at, index, value):
        """Set value number `index` of those at buf[at:] as on the wire. Raises ValueError."""
        if value not in (0, 1):
            raise ValueError("a bit is 0 or 1, not %r" % (value,))
        at += index >> 3
        mask = 1 << (index & 7)
        buf[at] = buf[at] | mask if value else buf[at] & ~mask

    def get(self, address, quantity, buf, at):
        """Copy `quantity` bits from `address` on to buf[at:]; the last byte's unused bits are 0."""
        data = self.data
        i = address - self.start
        shift = i & 7
        i >>= 3
        last = len(data) - 1
        while quantity > 0:
            pair = data[i] | (data[i + 1] << 8 if i < last else 0)
            buf[at] = pair >> shift & ((1 << quantity) - 1 if quantity < 8 else 0xFF)
            at += 1
            i += 1
            quantity -= 8

    def put(self, address, quantity, buf, at):
        """Store `quantity` bits from buf[at:], lowest first, at the addresses from `address` on."""
        data = self.data
        i = address - self.start
        shift = i & 7
        i >>= 3
        while quantity > 0:
            mask = (1 << quantity) - 1 if quantity < 8 else 0xFF
            bits = (buf[at] & mask) << shift
            mask <<= shift
            data[i] = data[i] & ~mask | bits & 0xFF
            if mask > 0xFF:
                data[i + 1] = data[i + 1] & ~(mask >> 8) | bits >> 8
            at += 1
            i += 1
            quantity -= 8


def _area(value, kind, name):
    """Return the block that the Store's argument `name` stands for, of this kind."""
    if isinstance(value, kind) and value.bits == kind.bits:
        return value
    if isinstance(value, (int, list)):
        return kind(0, value)
    if isinstance(value, tuple):
        from .blocks import Blocks

        return Blocks(kind, value)
    raise ValueError(
        "%s must be a number, a list of values, %s, or a tuple of %s, not %r"
        % (name, kind.__name__, kind.__name__, value)
    )


class Store:
    """The four areas of a device.

    Each is a number of values from address 0 on, a list of initial values from address 0 on, a
    block (Bits for coils and discrete inputs, Registers for the others), or a tuple of blocks.
    A request for addresses that are in no block gets exception 2.

    Raises ValueError for an area of the wrong kind.
    """

    def __init__(self, coils=0, discrete_inputs=0, input_registers=0, holding_registers=0):
        self.coils = coils = _area(coils, Bits, "coils")
        self.discrete_inputs = _area(discrete_inputs, Bits, "discrete_inputs")
        self.input_registers = _area(input_registers, Registers, "input_registers")
        self.holding_registers = holding = _area(holding_registers, Registers, "holding_registers")
        # Indexed by the last digit of the function code: 1 to 6, 15 and 16.
        self.areas = (
            None,
            coils,
            self.discrete_inputs,
            holding,
            self.input_registers,
            coils,
            holding,
        )
