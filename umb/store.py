"""The data model on flat arrays: Registers take 2 bytes each, Bits 1 bit each (AP 4.3).

A block has `start`, len(), [address], [first:end], has(), accepts(), get(), put() and hooks. The
addresses for accepts(), get() and put() are those that has() has confirmed, their values are as on
the wire: registers big-endian, bits from the lowest up. Hooks are called by the server, for the
requests of clients, and not for a program's own accesses.
"""

from . import conf
from .check import function, integer, wrong
from .fast import copy


class Registers:
    """16-bit registers at the addresses from `start` on, at most up to 65535.

    start      the first address
    quantity   how many registers, or a list of their initial values

    Values are -32768..65535 when written, and 0..65535 when read, or -32768..32767 with
    umb.conf.SIGNED_VALUES. block[address] is one value, block[first:end] those of a range of
    addresses; both can be assigned to, and raise IndexError where there is no such address.

    The hooks are called for requests of clients. What they raise becomes an exception response:

    on_read(address, quantity)   before values are read
    on_write(address, quantity)  after values have been stored
    validate(address, value)     for each value before any is stored; a false result refuses the
                                 whole request with exception 3

    Where a line is served in the background, MicroPython's scheduler calls them between two steps
    of the program: they should be as brief as interrupt handlers then, and not sleep.

    Raises ValueError for addresses out of 0..65535, a value that does not fit, or an argument of
    the wrong kind.
    """

    bits = 16  # of each value
    area = None  # the store's argument for this block, if it has no addresses
    has_blocks = False  # see Blocks

    def __init__(
        self,
        start: int,
        quantity: "int | list | tuple",
        *,
        on_read=None,
        on_write=None,
        validate=None,
    ):
        values = ()
        if isinstance(quantity, (list, tuple)):
            values = quantity
            quantity = len(values)
        integer("start", start, 0, 65536)
        integer("quantity", quantity, 0, 65536 - start)
        function("on_read", on_read)
        function("on_write", on_write)
        function("validate", validate)
        self.start = start
        self.end = start + quantity
        # Bits have a spare byte, so that their get() and put() can always take two.
        self.data = bytearray((quantity * self.bits + 7 >> 3) + 1 // self.bits)
        self.on_read = on_read
        self.on_write = on_write
        self.validate = validate
        for i in range(len(values)):
            self.encode(self.data, i * self.bits, values[i])

    def __len__(self) -> int:
        return self.end - self.start

    def has(self, address: int, quantity: int) -> bool:
        """Return whether all of `quantity` addresses from `address` on are in this block."""
        return self.start <= address and address + quantity <= self.end

    def __getitem__(self, address):
        if isinstance(address, slice):
            from .slices import get

            return get(self, address)
        return self.decode(self.data, self.bit(address))

    def __setitem__(self, address, value):
        if isinstance(address, slice):
            from .slices import put

            put(self, address, value)
        else:
            self.encode(self.data, self.bit(address), value)

    def bit(self, address: int) -> int:
        """Return at which bit of `data` the value of this address begins."""
        if not (isinstance(address, int) and self.start <= address < self.end):
            from .slices import no_address

            raise no_address(self, address)
        return (address - self.start) * self.bits

    @staticmethod
    def decode(buf, bit: int) -> int:
        """Return the value that begins at this bit of buf, where it is as on the wire."""
        bit >>= 3
        value = buf[bit] << 8 | buf[bit + 1]
        return value - 0x10000 if value & 0x8000 and conf.SIGNED_VALUES else value

    @staticmethod
    def encode(buf, bit: int, value: int):
        """Put a value, as on the wire, to where this bit of buf is. Raises ValueError."""
        if not isinstance(value, bool):  # which MicroPython takes for no int
            integer("value", value, -32768, 65535)
        bit >>= 3
        buf[bit] = value >> 8 & 0xFF
        buf[bit + 1] = value & 0xFF

    def accepts(self, address: int, quantity: int, buf, at: int) -> bool:
        """Return whether validate() accepts the values at buf[at:] for these addresses."""
        if self.validate is None:
            return True
        at <<= 3
        while quantity:
            value = self.decode(buf, at)
            if not self.validate(address, value):
                return False
            at += self.bits
            address += 1
            quantity -= 1
        return True

    def get(self, address: int, quantity: int, buf, at: int):
        """Copy the values of `quantity` addresses from `address` on to buf[at:].

        Raises IndexError if they do not fit, or are not there.
        """
        address = address - self.start << 1
        quantity <<= 1
        # copy() checks nothing. To look at the last bytes raises IndexError if they are not there;
        # len() would take longer.
        if (address | quantity | at) < 0 or (
            self.data[address + quantity - 1] | buf[at + quantity - 1] < 0
        ):
            self._refuse(address, quantity, at)  # an import here would put this frame on the heap
        copy(buf, at, self.data, address, quantity)

    def _refuse(self, address, quantity, at):
        """Raise the IndexError for what get() or put() were given, where `address` is in bytes."""
        from .slices import out_of

        raise out_of(self, address, quantity, at)

    def put(self, address: int, quantity: int, buf, at: int):
        """Store values from buf[at:] at `quantity` addresses from `address` on.

        Raises IndexError if they do not fit, or are not there.
        """
        address = address - self.start << 1
        quantity <<= 1
        if (address | quantity | at) < 0 or (  # see get()
            self.data[address + quantity - 1] | buf[at + quantity - 1] < 0
        ):
            self._refuse(address, quantity, at)
        copy(self.data, address, buf, at, quantity)


class Bits(Registers):
    """Coils or discrete inputs: values 0 and 1, eight to a byte. Everything else as Registers."""

    bits = 1

    @staticmethod
    def decode(buf, bit: int) -> int:
        """Return the value of this bit of buf."""
        return buf[bit >> 3] >> (bit & 7) & 1

    @staticmethod
    def encode(buf, bit: int, value: int):
        """Set this bit of buf to 0 or 1. Raises ValueError."""
        if not isinstance(value, bool):
            integer("value", value, 0, 1)
        at = bit >> 3
        bit = 1 << (bit & 7)
        buf[at] = buf[at] | bit if value else buf[at] & ~bit

    def get(self, address: int, quantity: int, buf, at: int):
        """Copy `quantity` bits from `address` on to buf[at:]; unused bits at the end are 0."""
        data = self.data
        address -= self.start
        shift = address & 7
        address >>= 3
        while quantity > 0:
            pair = data[address]
            address += 1
            pair = (data[address] << 8 | pair) >> shift
            buf[at] = pair & ((1 << quantity) - 1 if quantity < 8 else 0xFF)
            at += 1
            quantity -= 8

    def put(self, address: int, quantity: int, buf, at: int):
        """Store `quantity` bits from buf[at:], lowest first, from `address` on."""
        address -= self.start
        shift = address & 7
        address >>= 3
        while quantity > 0:
            mask = ((1 << quantity) - 1 if quantity < 8 else 0xFF) << shift
            pair = self.data[address + 1]
            pair = (pair << 8 | self.data[address]) & ~mask
            pair |= buf[at] << shift & mask
            self.data[address] = pair & 0xFF
            address += 1
            self.data[address] = pair >> 8
            at += 1
            quantity -= 8


def _area(value, kind, name):
    """Return the block that the Store's argument `name` stands for, of this kind."""
    if isinstance(value, (int, list)):
        block = kind(0, value)
    elif isinstance(value, tuple):
        from .blocks import Blocks

        block = Blocks(kind, value)
    elif isinstance(value, kind) and value.bits == kind.bits:
        block = value
    else:
        raise wrong(name, value)
    if not len(block):
        block.area = name
    return block


class Store:
    """The four areas of a device (AP 4.3). They are chosen once, when the store is made.

    Each is a number of values from address 0 on, a list of initial values from address 0 on, a
    block (Bits for coils and discrete inputs, Registers for the others), or a tuple of blocks.
    A request for addresses that are in no block gets exception 2.

    Raises ValueError for an area of the wrong kind.
    """

    def __init__(
        self,
        coils: "int | list | tuple | Bits" = 0,
        discrete_inputs: "int | list | tuple | Bits" = 0,
        input_registers: "int | list | tuple | Registers" = 0,
        holding_registers: "int | list | tuple | Registers" = 0,
    ):
        self.coils = coils = _area(coils, Bits, "coils")
        self.discrete_inputs = _area(discrete_inputs, Bits, "discrete_inputs")
        self.input_registers = _area(input_registers, Registers, "input_registers")
        self.holding_registers = holding = _area(holding_registers, Registers, "holding_registers")
        # Indexed by the last digit of the function code: 1 to 6, 15 and 16. FC 22 and 23 write
        # where 16 does.
        self.areas = (
            None,
            coils,
            self.discrete_inputs,
            holding,
            self.input_registers,
            coils,
            holding,
        )

    @staticmethod
    def frozen():
        """Return a context manager: no request of a line in the background comes into its block.

        A program needs it where several values belong together, to write or to read them all
        before a master does, if its slave serves in the background (RTUServer.start()):

            with store.frozen():
                store.input_registers[0:2] = high, low

        One value is always whole. Requests wait meanwhile, those of other stores, too: the block
        should take less time than masters wait for answers.
        """
        from .frozen import frozen

        return frozen
