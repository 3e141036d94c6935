"""umb.server.Server over a store: what it checks, in which order, and what it changes."""

import random

from support.model import Model, random_request, store_like_model
from support.pdu import (
    Link,
    ask,
    expect,
    raw,
    read_write,
    request,
    shown,
    words,
    write_bits,
    write_registers,
)
from support.umb import Told, contents, raises
from support.vectors import VECTORS

from umb.server import Server
from umb.store import Bits, Registers, Store

_FUNCTION_CODES = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23)

_BAD_QUANTITIES = (
    request(15, 0, 0) + b"\0",
    request(15, 0, 0) + b"\1\1",
    request(15, 0, 1969) + bytes((247,)) + bytes(247),
    request(15, 0, 8) + b"\2\1\1",
    request(15, 0, 9) + b"\1\1",
    request(15, 0, 9) + b"\2\1",
    request(15, 0, 9) + b"\1\1\1",
    request(16, 0, 0) + b"\0",
    request(16, 0, 0) + b"\2\0\0",
    request(16, 0, 124) + bytes((246,)) + bytes(246),
    request(16, 0, 1) + b"\4\0\0\0\0",
    request(16, 0, 2) + b"\2\0\0",
    request(16, 0, 2) + b"\4\0\0\0",
    request(16, 0, 2) + b"\3\0\0\0",
    request(16, 0, 0x101) + b"\2\0\0",
    read_write(0, 0, 0, [1]),
    read_write(0, 126, 0, [1]),
    read_write(0, 1, 0, []),
    request(23, 0, 1, 0, 122) + bytes((242,)) + bytes(242),
    request(23, 0, 1, 0, 1) + b"\4\0\0\0\0",
    request(23, 0, 1, 0, 2) + b"\2\0\0",
    request(23, 0, 1, 0, 2) + b"\4\0\0\0",
)
_BAD_ADDRESSES = (  # of a device with 20 of everything from address 0 on
    write_bits(19, [1, 1]),
    write_bits(20, [1]),
    write_bits(65535, [1, 1]),
    write_registers(19, [7, 7]),
    write_registers(20, [7]),
    write_registers(65535, [7, 7]),
    read_write(20, 1, 0, [7]),
    read_write(19, 2, 0, [7]),
    read_write(65535, 2, 0, [7]),
    read_write(0, 1, 20, [7]),
    read_write(0, 1, 19, [7, 7]),
    read_write(0, 1, 65535, [7, 7]),
)
# Where more than one thing is wrong, AP 6 says which comes first.
_FUNCTION_BEFORE_LENGTH = (request(0x41, 65535, 0), request(0x41, 65535, 0)[:2])
_QUANTITY_BEFORE_ADDRESS = (
    request(3, 65535, 126),
    request(1, 65535, 0),
    request(5, 65535, 1),
    request(15, 65535, 9) + b"\1\1",
    request(16, 65535, 2) + b"\2\0\0",
    read_write(65535, 126, 65535, [1]),
    request(3, 65535, 1)[:4],
    request(3, 65535, 1) + b"\0",
)


def twenty():
    """A device with 20 of everything, none of them 0."""
    store = Store(20, 20, 20, 20)
    for i in range(20):
        store.coils[i] = store.discrete_inputs[i] = 1
        store.input_registers[i] = store.holding_registers[i] = 1000 + i
    return store


def refuses(pdus, code):
    """Each of these requests has to get this exception and change nothing."""
    store = twenty()
    server = Server(store)
    before = contents(store)
    for pdu in pdus:
        expect(server, pdu, bytes((pdu[0] | 0x80, code)))
        assert contents(store) == before, "{} changed something".format(shown(pdu))


def test_examples_of_the_specification():
    for vector in VECTORS:
        for rest in (0, 0xA5, 0xFF):
            store = vector.store()
            got = ask(Server(store), vector.request, rest=rest)
            assert got == vector.response, "AP {}: {}".format(vector.clause, shown(got))
            vector.check(store)


def test_quantities_and_byte_counts():
    refuses(_BAD_QUANTITIES, 3)
    refuses([request(fc, 0, n) for fc in (1, 2) for n in (0, 2001, 0x8001, 0xFFFF)], 3)
    refuses([request(fc, 0, n) for fc in (3, 4) for n in (0, 126, 0x101, 0xFFFF)], 3)


def test_coil_values():
    refuses([request(5, 0, value) for value in (1, 0xFF, 0xFF01, 0xFFFF, 0x100, 0xFE00)], 3)


def test_addresses():
    refuses(_BAD_ADDRESSES, 2)
    for address, quantity in ((20, 1), (65535, 1), (19, 2), (65535, 2), (0, 21), (1, 20)):
        refuses([request(fc, address, quantity) for fc in (1, 2, 3, 4)], 2)
    for address in (20, 65535):
        refuses([request(5, address, 0), request(6, address, 7), request(22, address, 0, 1)], 2)


def test_order_of_checks():
    refuses(_FUNCTION_BEFORE_LENGTH, 1)
    refuses(_QUANTITY_BEFORE_ADDRESS, 3)


def test_lengths():
    for vector in VECTORS:
        for pdu in (vector.request[:1], vector.request[:-1], vector.request + b"\0"):
            refuses((pdu,), 3)


def test_other_function_codes():
    server = Server(twenty())
    for function_code in range(128):
        if function_code not in _FUNCTION_CODES:
            for fields in ((), (0, 1), (0, 1, 0, 1)):
                answer = bytes((function_code | 0x80, 1))
                expect(server, request(function_code, *fields), answer)


def test_function_codes_from_0x80_on():
    """By networks they get exception 1; on a bus they are echoes of responses: silence."""
    store = twenty()
    server = Server(store)
    server.function(65, lambda _adu, n, _link: n)
    before = contents(store)
    link = Link(serial=True)
    for function_code in range(0x80, 0x100):
        for pdu in (
            bytes((function_code,)),
            bytes((function_code, 2)),
            request(function_code, 0, 1),
        ):
            expect(server, pdu, bytes((function_code, 1)))
            expect(server, pdu, bytes((function_code, 1)), 255)
            for slave_id in (0, 1, 2, 247):
                expect(server, pdu, None, slave_id, link)
    assert contents(store) == before
    assert link.counters.bus_exception_error_count == 0


def test_limits_of_quantities():
    size = 2100
    server = Server(Store(size, size, size, size))
    for fc, most in ((1, 2000), (2, 2000), (3, 125), (4, 125)):
        for quantity in (1, 7, 8, 9, most - 1, most):
            if quantity <= most:
                got = ask(server, request(fc, 5, quantity))
                width = (quantity + 7) // 8 if fc < 3 else 2 * quantity
                assert got == bytes((fc, width)) + bytes(width), (fc, quantity)
    for quantity in (1, 7, 8, 9, 1967, 1968):
        expect(server, write_bits(3, [1] * quantity), request(15, 3, quantity))
    for quantity in (1, 2, 122, 123):
        expect(server, write_registers(3, [0xFFFF] * quantity), request(16, 3, quantity))
    for quantity in (1, 121):
        response = b"\x17\xfa" + words(*[9] * 121, *[0xFFFF] * 2, *[0] * 2)
        got = ask(server, read_write(3, 125, 3, [9] * quantity))
        assert got[:4] == response[:4] and len(got) == 252, quantity
    assert got == response


def test_whole_address_space():
    store = Store(65536, 0, 0, 65536)
    server = Server(store)
    expect(server, write_registers(65534, [1, 2]), request(16, 65534, 2))
    expect(server, request(3, 65534, 2), "03 04 0001 0002")
    expect(server, request(3, 65535, 1), "03 02 0002")
    expect(server, request(3, 65535, 2), "83 02")
    expect(server, request(5, 65535, 0xFF00), request(5, 65535, 0xFF00))
    expect(server, request(1, 65529, 7), "01 01 40")
    expect(server, request(1, 65529, 8), "81 02")
    assert store.holding_registers[0] == 0


def test_padding_of_coils_is_not_stored():
    store = Store(coils=16)
    expect(Server(store), "0f 0000 0003 01 ff", "0f 0000 0003")
    assert [store.coils[i] for i in range(16)] == [1, 1, 1] + [0] * 13


def test_mask_write():
    store = Store(holding_registers=5)
    server = Server(store)
    for value, and_mask, or_mask, result in (
        (0x12, 0xF2, 0x25, 0x17),
        (0xABCD, 0, 0x1234, 0x1234),
        (0xABCD, 0xF0F0, 0, 0xA0C0),
        (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF),
        (0x8000, 0x8000, 0x0001, 0x8001),
    ):
        store.holding_registers[4] = value
        expect(server, request(22, 4, and_mask, or_mask), request(22, 4, and_mask, or_mask))
        assert store.holding_registers[4] == result, (value, and_mask, or_mask)


def test_read_write_writes_first():
    store = Store(holding_registers=10)
    expect(Server(store), read_write(0, 4, 2, [7, 8, 9]), "17 08 0000 0000 0007 0008")
    assert [store.holding_registers[i] for i in range(6)] == [0, 0, 7, 8, 9, 0]


def test_gaps_and_touching_blocks():
    store = Store(holding_registers=(Registers(10, 5), Registers(15, 5), Registers(21, 5)))
    server = Server(store)
    expect(server, write_registers(13, [1, 2, 3, 4]), request(16, 13, 4))
    expect(server, request(3, 12, 6), "03 0c 0000 0001 0002 0003 0004 0000")
    expect(server, read_write(14, 6, 18, [5, 6]), b"\x17\x0c" + words(2, 3, 4, 0, 5, 6))
    expect(server, request(3, 19, 2), "83 02")
    expect(server, write_registers(18, [9, 9, 9]), "90 02")
    expect(server, read_write(10, 1, 18, [9, 9, 9]), "97 02")
    expect(server, read_write(18, 3, 10, [9]), "97 02")
    assert [store.holding_registers[i] for i in (10, 18, 19)] == [0, 5, 6]


def test_bits_cross_blocks():
    store = Store(coils=(Bits(3, 6), Bits(9, 5), Bits(20, 8)))
    server = Server(store)
    expect(server, write_bits(5, [1, 0, 1, 1, 0, 1, 1, 0, 1]), request(15, 5, 9))
    expect(server, request(1, 3, 11), "01 02 b4 05")
    expect(server, request(1, 13, 2), "81 02")
    expect(server, write_bits(12, [1] * 9), "8f 02")
    expect(server, request(1, 3, 11), "01 02 b4 05")


def test_random_requests_against_the_model():
    random.seed(20)
    model = Model()
    store = store_like_model()
    server = Server(store)
    served = 0
    for i in range(4000):
        pdu = random_request()
        wanted = model.answer(pdu)
        got = ask(server, pdu)
        assert got == wanted, "{}, {}: got {}, not {}".format(
            i, shown(pdu), shown(got), shown(wanted)
        )
        served += wanted[0] < 0x80
    assert served > 1000, "only {} good requests".format(served)
    for address in model.coils:
        assert store.coils[address] == model.coils[address], address
    for address in model.holding_registers:
        assert store.holding_registers[address] == model.holding_registers[address], address


def test_empty_store():
    for server in (Server(), Server(Store())):
        for fc in (1, 2, 3, 4):
            expect(server, request(fc, 0, 1), bytes((fc | 0x80, 2)))
        expect(server, request(6, 0, 1), "86 02")


def test_without_a_store_there_are_no_22_and_23():
    """They work on a store alone. Whatever their form, it is the function code that is wrong."""
    link = Link(serial=True)
    for pdu in (request(22, 0, 0, 0), request(22), read_write(0, 1, 0, [7]), request(23, 1)):
        expect(Server(), pdu, bytes((pdu[0] | 0x80, 1)))
        expect(Server(), pdu, None, 0, link)


def test_slave_ids():
    first, second = Store(holding_registers=1), Store(holding_registers=1)
    first.holding_registers[0], second.holding_registers[0] = 1, 2
    server = Server(first, slave_ids=(5, 6))
    server.add(247, second)
    for slave_id, value in ((5, 1), (6, 1), (247, 2), (0, 1), (255, 1)):
        expect(server, "03 0000 0001", b"\x03\x02" + words(value), slave_id)
    for slave_id in (1, 4, 7, 246, 248, 254):
        expect(server, "03 0000 0001", "83 0b", slave_id)
        expect(server, "41", "c1 0b", slave_id)
    for slave_id in (0, 248, 255, 256, -1, "1", 1.0, None, True, (1,)):
        raises(ValueError, server.add, slave_id, second)
        raises(ValueError, Server, first, slave_ids=(slave_id,))
        raises(ValueError, Server, first, slave_ids=(3, slave_id))


def test_slave_ids_that_cannot_be():
    for slave_ids in (1, None, 2.0, Store()):
        error = raises(ValueError, Server, Store(), slave_ids=slave_ids)
        assert "must be a list of numbers, such as (1,)" in str(error)
    for slave_ids in ((1, 1), [5, 6, 5], bytes((7, 7))):
        error = raises(ValueError, Server, Store(), slave_ids=slave_ids)
        assert "one that is not served yet, not %d" % slave_ids[0] in str(error)
    for slave_ids in ([5, 6], (5, 6), range(5, 7), b"\x05\x06", {5: 0, 6: 0}, {5, 6}):
        server = Server(Store(1), slave_ids=slave_ids)
        assert [i for i in range(256) if server.serves(i)] == [5, 6], slave_ids


def test_stores_that_cannot_be():
    for store in (5, "store", [1, 2], {}, Registers(0, 5), (Registers(0, 5),), Server(), Store):
        raises(ValueError, Server, store)
        raises(ValueError, Server().add, 5, store)


def test_on_error_that_cannot_be():
    for on_error in (5, "print", Store(), []):
        raises(ValueError, Server, on_error=on_error)


def test_the_first_id_that_was_given_is_the_device():
    """A dict has no order in MicroPython, and ids may be given in any."""
    for slave_ids in ((200, 3, 100), (7, 1), (1, 7), (247, 246, 245, 1), tuple(range(90, 0, -1))):
        server = Server(slave_ids=())
        for slave_id in slave_ids:
            store = Store(holding_registers=1)
            store.holding_registers[0] = slave_id
            server.add(slave_id, store)
        left = list(slave_ids)
        while left:
            for unit in (0, 255):
                expect(server, "03 0000 0001", b"\x03\x02" + words(left[0]), unit)
            server.remove(left.pop(0))
        for unit in (0, 255):
            expect(server, "03 0000 0001", "83 0b", unit)


def test_ids_that_come_and_go():
    first, second = Store(holding_registers=1), Store(holding_registers=1)
    second.holding_registers[0] = 2
    link = Link(serial=True)
    server = Server(first, (5,))
    expect(server, "03 0000 0001", None, 6, link)
    server.add(6, second)
    expect(server, "03 0000 0001", "03 02 0002", 6, link)
    for store in (first, second, None):
        raises(ValueError, server.add, 5, store)  # it is served already
    expect(server, "03 0000 0001", "03 02 0000", 5, link)
    server.remove(5)
    server.add(5, second)
    expect(server, "03 0000 0001", "03 02 0002", 5, link)
    expect(server, "03 0000 0001", "03 02 0002", 255)
    server.remove(6)
    expect(server, "03 0000 0001", None, 6, link)
    expect(server, "03 0000 0001", "83 0b", 6)
    server.add(6, first)
    expect(server, "06 0000 0009", None, 0, link)
    assert first.holding_registers[0] == second.holding_registers[0] == 9
    for slave_id in (1, 0, 255, "5", None, []):
        raises(ValueError, server.remove, slave_id)
    expect(server, "03 0000 0001", "03 02 0009", 5)


def test_a_device_may_be_removed_by_its_own_hook():
    for slave_ids in ((5, 6, 7), (7, 5, 6), (5,)):
        server = Server(slave_ids=())
        stores = {}
        for slave_id in slave_ids:
            stores[slave_id] = Store(holding_registers=1)
            server.add(slave_id, stores[slave_id])
        stores[5].holding_registers.on_write = lambda *_, one=server: one.remove(5)
        expect(server, "06 0000 0009", None, 0, Link(serial=True))
        expect(server, "03 0000 0001", "83 0b", 5)


def test_ids_added_later_alone():
    server = Server(slave_ids=())
    expect(server, "03 0000 0001", "83 0b", 0)
    server.add(9, Store(holding_registers=1))
    for slave_id in (9, 0, 255):
        expect(server, "03 0000 0001", "03 02 0000", slave_id)
    expect(server, "03 0000 0001", "83 0b", 1)


def test_serial_line_is_silent_for_others():
    server = Server(Store(holding_registers=1), slave_ids=(5,))
    link = Link(serial=True)
    expect(server, "03 0000 0001", "03 02 0000", 5, link)
    expect(server, "03 0000 0002", "83 02", 5, link)
    for slave_id in (1, 4, 6, 247, 248, 255):
        for pdu in ("03 0000 0001", "06 0000 0001", "41"):
            expect(server, pdu, None, slave_id, link)
    expect(server, "03 0000 0001", "03 02 0000", 5, link)


def test_counters():
    server = Server(twenty())
    link = Link()
    for pdu, slave_id in ((request(3, 0, 1), 1), (request(3, 20, 1), 1), (b"\x41", 1)):
        ask(server, pdu, slave_id, link)
    assert link.counters.server_message_count == 3
    assert link.counters.bus_exception_error_count == 2
    serial = Link(serial=True)
    ask(server, request(3, 0, 1), 9, serial)
    assert serial.counters.server_message_count == 0, "another slave's request was counted"
    link.counters.server_message_count = 0xFFFF
    ask(server, request(3, 0, 1), 1, link)
    assert link.counters.server_message_count == 0, "counters have 16 bits"


def test_broadcast_on_a_serial_line():
    first, second = Store(16, 0, 0, 16), Store(16, 0, 0, 16)
    server = Server(first, slave_ids=(1, 2))
    server.add(3, second)
    link = Link(serial=True)
    for pdu in (
        request(5, 3, 0xFF00),
        request(6, 1, 0x1234),
        write_bits(8, [1, 0, 1]),
        write_registers(4, [5, 6]),
        request(22, 1, 0xFF00, 0x0099),
    ):
        expect(server, pdu, None, 0, link)
    for store in (first, second):
        registers = [store.holding_registers[i] for i in range(7)]
        assert registers == [0, 0x1299, 0, 0, 5, 6, 0], registers
        assert [i for i in range(16) if store.coils[i]] == [3, 8, 10]
    assert link.counters.server_message_count == 5
    assert link.counters.server_no_response_count == 5


def test_broadcast_of_anything_else_is_silent():
    store = twenty()
    server = Server(store)
    before = contents(store)
    link = Link(serial=True)
    pdus = [request(fc, 0, 1) for fc in (1, 2, 3, 4)]
    pdus += [raw("41"), raw("83"), raw("06 0000"), request(6, 20, 1), request(5, 0, 1)]
    pdus += [write_registers(19, [1, 2]), request(16, 0, 2) + b"\2\0\0"]
    for pdu in pdus:
        expect(server, pdu, None, 0, link)
        assert contents(store) == before, shown(pdu)


def test_a_broadcast_writes_a_shared_store_once():
    on_write = Told()
    shared = Store(holding_registers=Registers(0, 4, on_write=on_write))
    other = Store(holding_registers=4)
    server = Server(shared, (3, 1, 2))
    server.add(4, other)
    server.add(5, shared)
    server.add(6, None)
    link = Link(serial=True)
    for pdu in (request(6, 0, 7), write_registers(1, [8, 9]), request(22, 3, 0, 5)):
        expect(server, pdu, None, 0, link)
        assert len(on_write.calls) == 1, shown(pdu)
        on_write.calls.clear()
    for store in (shared, other):
        assert [store.holding_registers[i] for i in range(4)] == [7, 8, 9, 5]
    assert link.counters.event_count == 3


def test_slave_id_0_on_a_network_is_the_device():
    store = Store(holding_registers=1)
    expect(Server(store, slave_ids=(9,)), "06 0000 0007", "06 0000 0007", 0)
    assert store.holding_registers[0] == 7


class Generous(Registers):
    """Registers that claim to have every address."""

    def has(self, address, quantity):
        return True


class GenerousBits(Bits):
    """Bits that claim to have every address."""

    def has(self, address, quantity):
        return True


def largest_requests(address):
    """Of each function code the request that moves most."""
    yield request(1, address, 2000)
    yield request(2, address, 2000)
    yield request(3, address, 125)
    yield request(4, address, 125)
    yield request(5, address, 0xFF00)
    yield request(6, address, 0xFFFF)
    yield write_bits(address, [1] * 1968)
    yield write_registers(address, [0xFFFF] * 123)
    yield request(22, address, 0, 0xFFFF)
    yield read_write(address, 125, address, [0xFFFF] * 121)


def test_blocks_that_claim_what_they_have_not():
    """A subclass may be wrong about its addresses. Memory beside its values stays untouched."""
    told = Told()
    guards = [bytearray(b"\x5a" * 32) for _ in range(50)]
    coils, registers = GenerousBits(0, 9), Generous(0, 5)
    both = (coils, coils, registers, registers)
    guards += [bytearray(b"\x5a" * 32) for _ in range(50)]
    for store in (Store(coils, coils, registers, registers), Store(*[(one,) for one in both])):
        check_claims(Server(store, on_error=told))
    assert told.calls and all(isinstance(call[0], IndexError) for call in told.calls)
    assert all(guard == b"\x5a" * 32 for guard in guards)


def check_claims(server):
    """Ask for all that these blocks claim to have."""
    for address in (0, 3, 8, 9, 200, 5000, 65535):
        for pdu in largest_requests(address):
            response = ask(server, pdu)
            if address >= 16 or pdu[0] not in (5, 6, 22):  # a byte has 8 bits, even of 9 coils
                assert response[0] == pdu[0] | 0x80, (shown(pdu), shown(response))


class Pairs(Registers):
    """Registers of which only whole pairs can be asked for."""

    def has(self, address, quantity):
        return not (address & 1 or quantity & 1) and super().has(address, quantity)


def test_blocks_that_have_less_than_their_addresses():
    """Alone and in a tuple, where a request crosses from one to the next."""
    for holding in (Pairs(10, list(range(8))), (Pairs(14, [4, 5, 6, 7]), Pairs(10, [0, 1, 2, 3]))):
        server = Server(Store(holding_registers=holding))
        for address in range(8, 20):
            for quantity in range(1, 10):
                whole = not address & 1 and not quantity & 1
                response = b"\x83\x02"
                if whole and address >= 10 and address + quantity <= 18:
                    values = range(address - 10, address - 10 + quantity)
                    response = bytes((3, 2 * quantity)) + words(*values)
                expect(server, request(3, address, quantity), response)
        expect(server, request(6, 12, 1), "86 02")
        expect(server, write_registers(12, [2, 3, 4, 5]), request(16, 12, 4))


def test_areas_that_a_program_exchanges():
    """Registers where bits belong, and bits where registers belong: an exception, and no crash."""
    told = Told()
    store = Store()
    server = Server(store, on_error=told)
    wrong = Registers(0, 2000)
    right = Bits(0, 2000)
    store.areas = (None, wrong, wrong, right, right, wrong, right)
    for _ in range(3):
        for pdu in largest_requests(0):
            response = ask(server, pdu)
            assert len(response) <= 253, shown(pdu)
    expect(server, request(1, 0, 2000), "81 04")
    expect(server, request(2, 0, 2000), "82 04")
    expect(server, write_bits(0, [1] * 1968), "8f 04")
