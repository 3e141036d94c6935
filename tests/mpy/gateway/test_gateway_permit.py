"""Gateway(permit=...): what is passed on, and what is refused."""

from support.gateway import Asker, bench, device  # comes first: by the clock of support.uart
from support.bus import Bus
from support.pdu import Link, raw, read_write, request, write_registers
from support.umb import Told, raises

from umb.gateway import Gateway

READ, WRITE = request(3, 100, 2), request(6, 100, 7)


def test_what_is_refused_never_reaches_the_line():
    bus = Bus()
    one = bench(range(1, 9), bus=bus, permit=lambda slave_id, code, *_: code < 5 and slave_id < 5)
    asker = Asker()
    for slave_id, pdu, code in (
        (1, WRITE, 6),
        (1, write_registers(5, [1, 2]), 16),
        (1, read_write(0, 1, 0, [1]), 23),
        (1, raw("41 00"), 65),
        (5, READ, 3),
    ):
        assert asker.ask(one.gateway, slave_id, pdu) == bytes((code | 0x80, 1))
    assert asker.ask(one.gateway, 1, raw("03 00")) == raw("83 03")
    one.run(20)
    assert len(bus.asked) == 0
    assert one.ask(asker, 1, READ)[0] == 3
    assert len(bus.asked) == 1


def test_what_it_is_asked():
    permit = Told(True)
    one = bench(range(1, 9), permit=permit, unit_ids={50: 1})
    asker = Asker()
    one.ask(asker, 50, write_registers(5, [1, 2]))
    one.ask(asker, 2, raw("41 00 00 00 00"))
    assert permit.calls == [(50, 16, 5, 2, asker), (2, 65, None, 0, asker)]


def test_what_is_served_here_is_its_servers_own():
    local, store = device()
    permit = Told(False)
    one = bench(range(1, 9), permit=permit, local=local)
    assert Asker().ask(one.gateway, 100, WRITE) == WRITE
    assert store.holding_registers[100] == 7
    assert Asker().ask(one.gateway, 77, READ) == raw("83 0a")  # nobody has it
    assert permit.calls == []


def test_broadcasts_that_are_refused_are_done_nowhere():
    local, store = device()
    bus = Bus()
    permit = Told(False)
    one = bench(range(1, 9), bus=bus, permit=permit, local=local, answer_broadcasts=True)
    asker = Asker()
    assert asker.ask(one.gateway, 0, WRITE) == raw("86 01")
    one.gateway.answer_broadcasts = False
    assert asker.ask(one.gateway, 0, WRITE) == b""
    one.run(20)
    assert (store.holding_registers[100], len(bus.asked)) == (0, 0)
    assert permit.calls == [(0, 6, 100, 1, asker)] * 2


def test_what_it_raises():
    told = Told()
    local, _ = device()
    local.on_error = told
    error = ValueError("a bug")
    one = bench(range(1, 9), permit=Told(error), local=local)
    asker = Asker()
    assert asker.ask(one.gateway, 1, READ) == raw("83 04")
    assert told.calls == [(error, asker)]


def test_nobody_on_a_serial_line_is_told():
    """There a refusal of a broadcast would be an answer that nobody waits for."""
    one = bench(range(1, 9), permit=Told(False))
    adu = bytearray(262)
    adu[7:12] = WRITE
    assert one.gateway.handle(adu, 5, Link(serial=True)) == 0


def test_wrong_arguments():
    line = bench().gateway._paths[0].client
    assert "permit must be a function" in str(raises(ValueError, Gateway, line, permit=5))
