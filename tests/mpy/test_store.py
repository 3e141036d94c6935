"""umb.store: values in blocks, blocks in areas, areas in a device."""

import gc
import random

from support_pdu import packed, words
from support_umb import Signed, raises, values

from umb.store import Bits, Registers, Store


def store_item(area, address, value):
    area[address] = value


def test_registers_hold_16_bits():
    block = Registers(100, 5)
    for value, kept in ((0, 0), (1, 1), (65535, 65535), (-1, 65535), (-32768, 32768)):
        block[102] = value
        assert values(block) == [0, 0, kept, 0, 0], value
    assert block.start == 100 and len(block) == 5


def test_registers_refuse_what_does_not_fit():
    block = Registers(0, 1)
    block[0] = 7
    for value in (65536, -32769, 1 << 40, -(1 << 40)):
        raises(ValueError, store_item, block, 0, value)
    assert block[0] == 7


def test_signed_registers():
    block = Registers(0, 4)
    for i, value in enumerate((-1, -32768, 32767, 40000)):
        block[i] = value
    assert values(block) == [65535, 32768, 32767, 40000]
    with Signed():
        assert values(block) == [-1, -32768, 32767, 40000 - 65536]
    assert values(block) == [65535, 32768, 32767, 40000]


def test_bits_hold_0_and_1():
    block = Bits(7, 19)
    for address in (7, 14, 15, 25):
        block[address] = 1
        assert block[address] == 1
        assert sum(values(block)) == 1, address
        block[address] = 0
        assert sum(values(block)) == 0, address
    block[8] = True
    assert block[8] == 1
    for value in (2, -1, 255, 0xFF00):
        raises(ValueError, store_item, block, 8, value)
    assert block[8] == 1


def heap_of(make, *args):
    """How many bytes of the heap it takes, and keeps."""
    gc.collect()
    before = gc.mem_alloc()
    kept = make(*args)
    gc.collect()
    return gc.mem_alloc() - before if kept is not None else 0


def test_memory_per_value():
    for kind, per_thousand in ((Registers, 2000), (Bits, 125)):
        small, large = heap_of(kind, 0, 1000), heap_of(kind, 0, 11000)
        assert abs(large - small - 10 * per_thousand) <= 64, (kind, small, large)


def test_unmapped_addresses():
    for kind in (Bits, Registers):
        block = kind(10, 5)
        for address in (9, 15, 0, -1, 65536):
            raises(IndexError, block.__getitem__, address)
            raises(IndexError, store_item, block, address, 0)


def test_has():
    block = Registers(10, 5)
    for address, quantity, there in (
        (10, 5, True),
        (10, 1, True),
        (14, 1, True),
        (10, 6, False),
        (9, 1, False),
        (9, 2, False),
        (14, 2, False),
        (15, 1, False),
        (65535, 2, False),
    ):
        assert block.has(address, quantity) == there, (address, quantity)


def test_blocks_lie_in_the_address_space():
    for kind in (Bits, Registers):
        assert kind(0, 65536).has(65535, 1)
        assert kind(65535, 1).has(65535, 1)
        assert not kind(65535, 1).has(65535, 2)
        for start, quantity in ((-1, 2), (0, 65537), (65535, 2), (65536, 1), (5, -1)):
            raises(ValueError, kind, start, quantity)


def test_registers_travel_big_endian():
    block = Registers(5, 3)
    block.put(6, 2, b"\xff\x12\x34\xab\xcd\xff", 1)
    assert values(block) == [0, 0x1234, 0xABCD]
    buf = bytearray(b"\xee" * 8)
    block.get(5, 3, buf, 1)
    assert buf == b"\xee\0\0\x12\x34\xab\xcd\xee"


def test_bits_at_every_offset():
    random.seed(2)
    block = Bits(3, 77)
    model = [0] * 77
    for _ in range(2000):
        i = random.randint(0, 76)
        n = random.randint(1, 77 - i)
        bits = [random.getrandbits(1) for _ in range(n)]
        padded = bytearray(packed(bits))
        padded[-1] |= 0xFF << (n - 1) % 8 + 1 & 0xFF  # what pads the last byte is not stored
        block.put(3 + i, n, b"\xa5" + padded, 1)
        model[i : i + n] = bits
        assert values(block) == model, (i, n, bits)
        i = random.randint(0, 76)
        n = random.randint(1, 77 - i)
        buf = bytearray([0xA5] * 12)
        block.get(3 + i, n, buf, 1)
        size = (n + 7) // 8
        assert buf[1 : 1 + size] == packed(model[i : i + n]), (i, n)
        assert buf[0] == buf[1 + size] == 0xA5, (i, n)


def test_area_from_a_count():
    store = Store(coils=32, discrete_inputs=16, input_registers=8, holding_registers=4)
    areas = (store.coils, store.discrete_inputs, store.input_registers, store.holding_registers)
    for area, kind, quantity in zip(areas, (Bits, Bits, Registers, Registers), (32, 16, 8, 4)):
        assert isinstance(area, kind) and len(area) == quantity and area.start == 0
        raises(IndexError, area.__getitem__, quantity)
    for area in (Store().coils, Store().holding_registers):
        raises(IndexError, area.__getitem__, 0)
    raises(ValueError, Store, 70000)


def test_area_from_a_block_or_blocks():
    block = Registers(100, 50)
    assert Store(holding_registers=block).holding_registers is block
    store = Store(coils=(Bits(20, 4), Bits(10, 4)), input_registers=(Registers(1, 1),))
    store.coils[13] = store.coils[20] = 1
    store.input_registers[1] = 5
    assert [store.coils[i] for i in (10, 11, 12, 13, 20, 21, 22, 23)] == [0, 0, 0, 1, 1, 0, 0, 0]
    assert store.input_registers[1] == 5
    for address in (9, 14, 19, 24):
        raises(IndexError, store.coils.__getitem__, address)
        raises(IndexError, store_item, store.coils, address, 1)


def test_area_of_the_wrong_kind():
    raises(ValueError, Store, coils=(Registers(0, 1),))
    raises(ValueError, Store, holding_registers=(Registers(0, 1), Bits(1, 1)))


def test_blocks_must_not_overlap():
    for second in (Registers(10, 1), Registers(14, 5), Registers(5, 6), Registers(0, 100)):
        raises(ValueError, Store, holding_registers=(Registers(10, 5), second))
        raises(ValueError, Store, holding_registers=(second, Registers(10, 5)))
    Store(holding_registers=(Registers(15, 5), Registers(10, 5), Registers(5, 5)))


def test_requests_cross_blocks_that_touch():
    area = Store(
        holding_registers=(Registers(10, 5), Registers(15, 5), Registers(21, 5))
    ).holding_registers
    for address, quantity, there in (
        (10, 10, True),
        (14, 2, True),
        (10, 11, False),
        (19, 3, False),
        (20, 1, False),
        (21, 5, True),
        (21, 6, False),
        (9, 2, False),
    ):
        assert area.has(address, quantity) == there, (address, quantity)
    data = words(0x8001, 2, 0xFFFE)
    area.put(13, 3, b"\0" + data, 1)
    assert [area[i] for i in range(12, 17)] == [0, 0x8001, 2, 0xFFFE, 0]
    buf = bytearray(8)
    area.get(13, 3, buf, 1)
    assert buf == b"\0" + data + b"\0"


def test_bits_cross_blocks_at_odd_offsets():
    random.seed(3)
    layout = ((3, 21), (24, 9), (33, 1), (34, 30))
    area = Store(tuple(Bits(start, quantity) for start, quantity in layout)).coils
    model = [0] * 64
    for _ in range(1000):
        address = random.randint(3, 63)
        n = random.randint(1, 64 - address)
        bits = [random.getrandbits(1) for _ in range(n)]
        area.put(address, n, packed(bits), 0)
        model[address : address + n] = bits
        address = random.randint(3, 63)
        n = random.randint(1, 64 - address)
        buf = bytearray([0xA5] * 10)
        area.get(address, n, buf, 0)
        assert buf[: (n + 7) // 8] == packed(model[address : address + n]), (address, n)
    assert [area[i] for i in range(3, 64)] == model[3:]


def test_signed_values_cross_blocks():
    area = Store(holding_registers=(Registers(0, 2), Registers(2, 2))).holding_registers
    data = words(0xFFFF, 0x8000, 0x7FFF, 0xFFFE)
    with Signed():
        area.put(0, 4, data, 0)
        assert [area[i] for i in range(4)] == [-1, -32768, 32767, -2]
        buf = bytearray(8)
        area.get(0, 4, buf, 0)
    assert buf == data


def test_program_calls_no_hooks():
    def never(*args):
        raise AssertionError(args)

    hooks = {"on_read": never, "on_write": never, "validate": never}
    store = Store(
        coils=Bits(0, 8, **hooks),
        holding_registers=(Registers(0, 2, **hooks), Registers(2, 2, **hooks)),
    )
    store.coils[3] = 1
    store.holding_registers[3] = 9
    assert store.coils[3] == 1 and store.holding_registers[3] == 9
