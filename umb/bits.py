"""Bits: coils or discrete inputs. Optional: umb.store makes the class when somebody has some."""

_made = []


def find(name, registers):
    """umb.store's __getattr__: the class Bits, blocks like `registers` but of 1 bit each."""
    if name != "Bits":
        raise AttributeError(name)
    if not _made:
        _made.append(_make(registers))
    return _made[0]


def _make(registers):

    class Bits(registers):
        """Coils or discrete inputs: 0 or 1 each, 8 to a byte."""

        bits = 1

        @staticmethod
        def value(buf, at, i):
            """Value i of those that stand at buf[at:] as on the wire."""
            return buf[at + (i >> 3)] >> (i & 7) & 1

        @staticmethod
        def poke(buf, at, i, value):
            """Make `value` number i of those that stand at buf[at:] as on the wire."""
            if value not in (0, 1):
                raise ValueError("a bit is 0 or 1")
            at += i >> 3
            i = 1 << (i & 7)
            buf[at] = buf[at] | i if value else buf[at] & ~i

        def get(self, address, quantity, buf, at):
            """Put `quantity` bits from `address` on into buf[at:], the rest of the last byte 0."""
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
            """Take `quantity` bits from buf[at:], from the lowest up, and store them."""
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

    return Bits
