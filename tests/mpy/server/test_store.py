"""umb.store: values in blocks, blocks in areas, areas in a device."""

import gc
import random

from support.pdu import packed, words
from support.umb import Signed, raises, values

from umb.store import Bits, Registers, Store


def store_item(area, address, value):
    area[address] = value


def store_slice(area, first, end, given):
    area[first:end] = given


def read_slice(area, first, end, step=None):
    return area[first:end:step] if step is not None else area[first:end]


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


def test_values_are_integers():
    """Booleans are; what is merely equal to one, or looks like one, is not."""
    for block in (Registers(0, 3), Bits(0, 3)):
        block[1] = 1
        for value in (1.0, 0.0, 1.5, None, "1", b"1", [1], (1,), {}, 1j, object()):
            raises(ValueError, store_item, block, 1, value)
            raises(ValueError, store_slice, block, 0, 2, [0, value])
            raises(ValueError, block.__class__, 0, [0, value])
        assert values(block) == [0, 1, 0]
        for value, kept in ((False, 0), (True, 1)):
            block[1] = value
            assert values(block) == [0, kept, 0]
            assert values(block.__class__(5, [value, value])) == [kept, kept]


def test_initial_values():
    for kind, given in (
        (Registers, [1, 2, 3]),
        (Registers, (65535, 0, 32768)),
        (Registers, []),
        (Bits, [1, 0, 1, 1, 0, 0, 1, 1, 1]),
        (Bits, (True, False)),
    ):
        block = kind(100, given)
        assert block.start == 100 and len(block) == len(given)
        assert values(block) == [int(value) for value in given]
    assert values(Registers(0, [-1, -32768])) == [65535, 32768]
    for kind, given in (
        (Registers, [0, 65536]),
        (Registers, [-32769]),
        (Bits, [0, 2]),
        (Bits, [-1]),
    ):
        raises(ValueError, kind, 0, given)
    raises(ValueError, Registers, 65535, [1, 2])


def test_blocks_of_the_wrong_arguments():
    for kind in (Registers, Bits):
        for start, quantity in (
            ("0", 1),
            (0.0, 1),
            (None, 1),
            (0, "1"),
            (0, 1.0),
            (0, None),
            (0, {0: 1}),
            (0, "abc"),
            (0, range(3)),
            ([0], 1),
        ):
            raises(ValueError, kind, start, quantity)
        for hook in ("on_read", "on_write", "validate"):
            for wrong in (5, "hook", [print], Store(), True):
                raises(ValueError, kind, 0, 1, **{hook: wrong})


def test_slices():
    for area in (
        Registers(100, [1, 0, 1, 0, 1]),
        Bits(100, [1, 0, 1, 0, 1]),
        Store(holding_registers=(Registers(100, [1, 0]), Registers(102, [1, 0, 1]))).areas[3],
        Store(coils=(Bits(102, [1, 0, 1]), Bits(100, [1, 0]))).coils,
    ):
        assert area[100:105] == area[:] == area[100:] == area[:105] == [1, 0, 1, 0, 1]
        assert area[101:104] == [0, 1, 0] and area[102:103] == [1]
        assert area[100:100] == area[105:105] == []
        area[101:103] = [1, 0]
        assert area[:] == [1, 1, 0, 0, 1]
        area[101:104] = (True, 1, True)
        assert area[:] == [1, 1, 1, 1, 1]
        area[:] = [0, 1, 0, 1, 0]
        area[103:] = b"\0\1"
        area[103:103] = []
        assert area[:] == [0, 1, 0, 0, 1]
        for first, end in (
            (99, 101),
            (104, 106),
            (0, 5),
            (-2, None),
            (None, -1),
            (103, 102),
        ):
            raises(IndexError, read_slice, area, first, end)
            raises(IndexError, store_slice, area, first, end, [0, 0])
        for first, end in (("100", 102), (100.0, 102), (100, 102.0), ([100], 102)):
            raises(TypeError, read_slice, area, first, end)
        for step in (2, -1, 0, "1"):
            raises(TypeError, read_slice, area, 100, 102, step)
        assert read_slice(area, 100, 102, 1) == [0, 1]
        for given in ([], [1], [1, 1, 1], "ab"):
            raises(ValueError, store_slice, area, 100, 102, given)
        for given in (5, None):
            raises(TypeError, store_slice, area, 100, 102, given)
        raises(ValueError, store_slice, area, 100, 105, [1, 1, 1, 1, 70_000])
        assert area[:] == [0, 1, 0, 0, 1], "some of a wrong slice was stored"


def test_slices_do_not_cross_gaps():
    area = Store(
        holding_registers=(Registers(10, [1, 2]), Registers(13, [4, 5]))
    ).holding_registers
    assert area[10:12] == [1, 2] and area[13:] == [4, 5] and area[:11] == [1]
    for first, end in ((None, None), (10, 13), (11, 14), (12, 13), (10, None)):
        raises(IndexError, read_slice, area, first, end)
        raises(IndexError, store_slice, area, first, end, [0] * 5)


def test_slices_of_signed_values():
    block = Registers(0, [-1, 5])
    with Signed():
        assert block[0:2] == [-1, 5]
        block[:] = [-2, -32768]
        assert block[:] == [-2, -32768]
    assert block[:] == [65534, 32768]


def test_addresses_are_integers():
    for area in (Registers(0, 5), Bits(0, 5), Store(coils=(Bits(0, 2), Bits(2, 3))).coils):
        for address in (1.0, 0.5, "1", None, [1], (1,)):
            raises(TypeError, area.__getitem__, address)
            raises(TypeError, store_item, area, address, 0)


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


def access(area, address):
    """Read and write an address, and slices with it, none of which is there: the texts."""
    calls = (
        (area.__getitem__, address),
        (store_item, area, address, 0),
        (read_slice, area, address, address + 1),
        (store_slice, area, address, address + 1, [0]),
    )
    return [str(raises(IndexError, *call)) for call in calls]


def test_an_area_that_the_store_has_not_is_named():
    """However nothing was given for it; the others are there."""
    for name in ("coils", "discrete_inputs", "input_registers", "holding_registers"):
        kind = Bits if name in ("coils", "discrete_inputs") else Registers
        for none in (None, 0, [], (), kind(0, 0), kind(50, []), (kind(9, 0),)):
            area = getattr(Store() if none is None else Store(**{name: none}), name)
            for text in access(area, 0) + access(area, 9) + access(area, 65535):
                what = "this block, which has none: give the store some, as in Store({}=10)"
                assert text.endswith(what.format(name)), text


def test_an_address_that_is_not_there():
    """The error names it, and which there are, in every kind of block."""
    for kind, name in ((Registers, "holding_registers"), (Bits, "coils")):
        for given, end in (
            (kind(100, 4), "which has 4: 100 to 103"),
            (kind(0, 0), "which has none"),
            (getattr(Store(**{name: 50}), name), "which has 50: 0 to 49"),
            (
                getattr(Store(**{name: (kind(10, 2), kind(200, 1), kind(90, 5))}), name),
                "which has 8: 10 to 200",
            ),
        ):
            for address in (-1, 50, 99, 104, 199, 65536, 1 << 40):
                one, other, *slices = access(given, address)
                assert one == other == "address {} is not in this block, {}".format(address, end)
                for text in slices:
                    assert text.endswith("are not all in this block, " + end), text
            for address in (None, "0", 1.0, (0,)):
                for call in ((given.__getitem__, address), (store_item, given, address, 0)):
                    text = str(raises(TypeError, *call))
                    assert text == "an address must be an integer, not {!r}".format(address)


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


def test_area_from_a_list():
    store = Store([1, 0, 1], [0, 1], [230, 17], [1, 2, 3])
    for area, kind, given in zip(
        (store.coils, store.discrete_inputs, store.input_registers, store.holding_registers),
        (Bits, Bits, Registers, Registers),
        ([1, 0, 1], [0, 1], [230, 17], [1, 2, 3]),
    ):
        assert isinstance(area, kind) and area.start == 0 and area[:] == given
    raises(ValueError, Store, [0, 2])
    raises(ValueError, Store, 0, 0, [65536])


class OwnRegisters(Registers):
    """A class of a program's own."""


class OwnBits(Bits):
    """A class of a program's own."""


class Mislabelled(Registers):
    """Registers that claim to be bits."""

    bits = 1


_AREAS = ("coils", "discrete_inputs", "input_registers", "holding_registers")


def test_area_of_the_wrong_kind():
    for name in _AREAS:
        registers = (Registers(0, 1), OwnRegisters(0, 1))
        bits = (Bits(0, 1), OwnBits(0, 1))
        good, bad = (registers, bits) if "registers" in name else (bits, registers)
        for block in good:
            assert getattr(Store(**{name: block}), name) is block
            Store(**{name: (block,)})
        bad += (Mislabelled(0, 1), "8", 8.0, None, True, {0: 1}, b"\0", Store(), Registers, Bits)
        for block in bad:
            raises(ValueError, Store, **{name: block})
            raises(ValueError, Store, **{name: (block,)})
            raises(ValueError, Store, **{name: (block, good[0])})
            raises(ValueError, Store, **{name: (good[0], block)})
        raises(ValueError, Store, **{name: -1})
        raises(ValueError, Store, **{name: (1, 2, 3)})
        assert len(getattr(Store(**{name: ()}), name)) == 0
        assert len(getattr(Store(**{name: []}), name)) == 0


def test_get_and_put_keep_within_both_buffers():
    """Beneath is machine code that checks nothing. What does not fit is an IndexError."""
    block = Registers(10, 100)
    buf = bytearray(262)
    for address, quantity, at in (
        (10, 101, 9),
        (9, 1, 9),
        (0, 1, 9),
        (109, 2, 9),
        (110, 1, 9),
        (65535, 1, 9),
        (10, 1, 261),
        (10, 1, 262),
        (10, 1, 5000),
        (10, 1, -1),
        (10, 1, -1000),
        (10, 100, 63),
        (10, -1, 9),
        (10, -50, 250),
        (1 << 20, 1, 9),
        (-(1 << 20), 1, 9),
        (10, 1 << 20, 9),
    ):
        raises(IndexError, block.get, address, quantity, buf, at)
        raises(IndexError, block.put, address, quantity, buf, at)
    raises(IndexError, block.get, 10, 2, bytearray(3), 0)
    raises(IndexError, block.put, 10, 2, b"abc", 0)
    assert buf == bytes(262) and block[:] == [0] * 100
    block.get(10, 100, buf, 62)
    block.put(10, 100, buf, 62)


def test_get_and_put_say_what_is_wrong():
    block = Registers(10, 100)
    nothing = Registers(5, 0)
    wanted = "address %d, quantity %d, at %d: none may be negative, or outside this block, "
    wanted += "which has 100: 10 to 109"
    for address, quantity, at in ((9, 1, 9), (10, -1, 9), (10, 1, -1), (-50, -2, -3)):
        for call in (block.get, block.put):
            error = raises(IndexError, call, address, quantity, bytearray(262), at)
            assert str(error) == wanted % (address, quantity, at)
    assert "which has none" in str(raises(IndexError, nothing.get, 4, 1, bytearray(9), 0))


def test_data_that_a_program_replaces():
    """Whatever becomes of `data`, requests read and write nothing that is beside it."""
    guard = b"\x5a" * 64
    for kind in (Registers, Bits):
        for size in (0, 1, 2, 5, 9, 30):
            block = kind(0, 200)
            before, block.data, after = bytearray(guard), bytearray(size), bytearray(guard)
            buf = bytearray(262)
            for address in (0, 3, 8, 100, 199):
                for quantity in (1, 2, 9, 100):
                    if address + quantity > 200:
                        continue
                    for work in (block.get, block.put):
                        try:
                            work(address, quantity, buf, 9)
                        except IndexError:
                            pass
            assert before == after == guard and len(block.data) == size
        block.data = None
        raises(TypeError, block.get, 0, 1, buf, 9)


def test_blocks_must_not_overlap():
    for second in (Registers(10, 1), Registers(14, 5), Registers(5, 6), Registers(0, 100)):
        raises(ValueError, Store, holding_registers=(Registers(10, 5), second))
        raises(ValueError, Store, holding_registers=(second, Registers(10, 5)))
    Store(holding_registers=(Registers(15, 5), Registers(10, 5), Registers(5, 5)))


def test_a_request_goes_to_the_block_that_has_all_of_it():
    first, second, far = Registers(0, 4), Registers(4, 4), Registers(20, 2)
    blocks = Store(holding_registers=(far, first, second)).holding_registers
    for address in range(24):
        for quantity in range(1, 12):
            owner = blocks
            for block in (first, second, far):
                if block.has(address, quantity):
                    owner = block
            assert blocks.block_of(address, quantity) is owner, (address, quantity)


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
