"""Two boards, a slave on each, and a master on one line."""

import pytest

from tests.pico.cases import reading
from tools.emulator.line import Line
from tools.emulator.master import Master
from tools.emulator.wire import Format, read_registers, registers_reply, write_registers


@pytest.fixture(scope="module")
def second_pico(emulator, firmware, flash):
    """One more board with the library on it."""
    return emulator.boot(firmware, flash)


def check(emulator, picos, form, rounds):
    """Ask the two in turn, back to back; each answers for itself and keeps its own registers."""
    ids = (1, 2)
    stations = [
        emulator.start(pico, form, slave_id) for pico, slave_id in zip(picos, ids, strict=True)
    ]
    line = Line(form, *stations)
    master = Master(line)
    cases = [reading(5, 150, slave_id) for slave_id in ids] * rounds
    exchanges = master.ask_all([case.request for case in cases])
    assert [exchange.reply for exchange in exchanges] == [case.reply for case in cases]
    assert [exchange.station for exchange in exchanges] == stations * rounds
    for exchange in exchanges:
        assert 0 <= exchange.late_us <= 150
        assert exchange.lead_us > 0
        assert 0 <= exchange.release_us <= 20
    master.ask(write_registers(2, [4711], 7))
    assert master.ask(read_registers(1, 1, 7)).reply == registers_reply(1, [7 * 257])
    assert master.ask(read_registers(2, 1, 7)).reply == registers_reply(2, [4711])
    assert not line.damaged
    picos[1].interrupt()


def test_two_slaves(emulator, pico, second_pico):
    check(emulator, (pico, second_pico), Format(115200), 1)


@pytest.mark.long_pico
@pytest.mark.parametrize("form", (Format(9600), Format(19200, None, 2), Format(230400)))
def test_two_slaves_at_every_speed(emulator, pico, second_pico, form):
    check(emulator, (pico, second_pico), form, 5)
