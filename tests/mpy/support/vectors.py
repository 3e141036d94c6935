"""The examples of the MODBUS Application Protocol Specification V1.1b3, with what they change."""

from support.pdu import raw

from umb.store import Store

_AREAS = ("coils", "discrete_inputs", "input_registers", "holding_registers")


def bits(text, quantity):
    """The first bits of hexadecimal bytes, the lowest of each byte first."""
    data = raw(text)
    return [data[i // 8] >> i % 8 & 1 for i in range(quantity)]


class Vector:
    """A request and its response; what stands at=(area, address) before, and what after it."""

    def __init__(self, clause, request, response, *, at, before=(), after=None):
        self.clause = clause
        self.request = raw(request)
        self.response = raw(response)
        self._area, self._address = at
        self._before = list(before)
        self._after = self._before if after is None else list(after)

    def store(self):
        """A device in which everything is as the example assumes it."""
        store = Store(200, 300, 20, 200)
        area = getattr(store, self._area)
        for i, value in enumerate(self._before):
            area[self._address + i] = value
        return store

    def check(self, store):
        """The area has to be now what the example says, and every other value 0."""
        for name in _AREAS:
            area = getattr(store, name)
            wanted = [0] * len(area)
            if name == self._area:
                wanted[self._address : self._address + len(self._after)] = self._after
            got = [area[i] for i in range(len(area))]
            assert got == wanted, "AP {}: {} are {}".format(self.clause, name, got)


_READ = (0x00FE, 0x0ACD, 0x0001, 0x0003, 0x000D, 0x00FF)  # 6.17, registers 4..9
_BETWEEN = (0, 0, 0, 0, 0)
_WRITTEN = (0x00FF, 0x00FF, 0x00FF)

VECTORS = (
    Vector(
        "6.1",
        "01 0013 0013",
        "01 03 cd6b05",
        at=("coils", 0x13),
        before=bits("cd6b05", 19),
    ),
    Vector(
        "6.2",
        "02 00c4 0016",
        "02 03 acdb35",
        at=("discrete_inputs", 0xC4),
        before=bits("acdb35", 22),
    ),
    Vector(
        "6.3",
        "03 006b 0003",
        "03 06 022b 0000 0064",
        at=("holding_registers", 0x6B),
        before=(0x22B, 0, 0x64),
    ),
    Vector(
        "6.4",
        "04 0008 0001",
        "04 02 000a",
        at=("input_registers", 8),
        before=(10,),
    ),
    Vector(
        "6.5",
        "05 00ac ff00",
        "05 00ac ff00",
        at=("coils", 0xAC),
        after=(1,),
    ),
    Vector(
        "6.6",
        "06 0001 0003",
        "06 0001 0003",
        at=("holding_registers", 1),
        after=(3,),
    ),
    Vector(
        "6.11",
        "0f 0013 000a 02 cd01",
        "0f 0013 000a",
        at=("coils", 0x13),
        after=bits("cd01", 10),
    ),
    Vector(
        "6.12",
        "10 0001 0002 04 000a 0102",
        "10 0001 0002",
        at=("holding_registers", 1),
        after=(0x000A, 0x0102),
    ),
    Vector(
        "6.16",
        "16 0004 00f2 0025",
        "16 0004 00f2 0025",
        at=("holding_registers", 4),
        before=(0x12,),
        after=(0x17,),
    ),
    Vector(
        "6.17",
        "17 0003 0006 000e 0003 06 00ff 00ff 00ff",
        "17 0c 00fe 0acd 0001 0003 000d 00ff",
        at=("holding_registers", 3),
        before=_READ,
        after=_READ + _BETWEEN + _WRITTEN,
    ),
    Vector("7", "01 04a1 0001", "81 02", at=("coils", 0)),
)
