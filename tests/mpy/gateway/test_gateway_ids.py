"""Gateway: slave ids that are reserved, and 0 as a device."""

from support.gateway import Asker, Bench, bench, device  # comes first, see there

from support.bus import Bus, answer
from support.pdu import request
from support.rtu import frame

_READ = request(3, 5, 2)
_WRITE = request(6, 5, 7)
_NO_PATH = b"\x83\x0a"


def test_reserved_slave_ids():
    """A line may have them if they are named; without that they lead nowhere."""
    line = bench(range(1, 256))
    for slave_id in range(1, 256):
        for pdu in (_READ, _WRITE):
            assert line.ask(Asker(), slave_id, pdu) == answer(slave_id, pdu), slave_id
            assert line.buses[0].asked[-1] == (slave_id, pdu)
    line.is_clean()
    for ids in (None, range(1, 248)):
        line = bench(ids)
        for slave_id in range(1, 256):
            got = line.ask(Asker(), slave_id, _READ)
            assert got == (answer(slave_id, _READ) if slave_id < 248 else _NO_PATH), slave_id
        assert line.ask(Asker(), 0, _READ) == _NO_PATH


def test_255_is_the_device_that_is_served_here():
    """If there is one: the line's own is asked without it (TCP Guide 4.4.2.1)."""
    local, _ = device([(5, 1), (6, 2)])
    line = bench(range(1, 256), local=local)
    assert line.ask(Asker(), 255, _READ) == b"\3\4\0\1\0\2"
    assert line.buses[0].asked == []
    assert line.ask(Asker(), 254, _READ) == answer(254, _READ)


class Alone(Bus):
    """A line with one device, which answers to slave id 0 with one of its own."""

    reply_id = 1

    def _deliver(self, slave_id, pdu):
        super()._deliver(slave_id, pdu)
        if slave_id == 0:
            self.hear(self.end_ns() // 1000 + 500, frame(self.reply_id, answer(1, pdu)))


def test_slave_id_0_as_a_device():
    for reply_id in (0, 1, 7, 255):
        bus = Alone()
        bus.reply_id = reply_id
        line = bench(bus=bus, form={"broadcast": False})
        for pdu in (_READ, _WRITE):
            assert line.ask(Asker(), 0, pdu) == answer(1, pdu), (reply_id, pdu)
        assert bus.asked == [(0, _READ), (0, _WRITE)]
        assert line.ask(Asker(), 7, _READ) == answer(7, _READ)
        line.is_clean()


def test_slave_id_0_that_does_not_answer():
    line = bench(form={"broadcast": False})
    assert line.ask(Asker(), 0, _WRITE) == b"\x86\x0b"
    asker = Asker()
    asker.ask(line.gateway, 0, _READ)
    asker.gone = True
    line.run(10)
    assert not asker.waits


def test_a_broadcast_of_a_serial_master():
    """It is one whatever the lines say of slave id 0, and nobody answers."""
    first, second = Bus(), Alone()
    lines = Bench((first, (1, 2)), (second, (0, 3)))
    lines.gateway._paths[1].client.broadcast = False
    asker = Asker()
    asker.serial = True
    assert lines.ask(asker, 0, _WRITE) == b""
    assert first.asked == second.asked == [(0, _WRITE)]
    asker.serial = False
    assert lines.ask(asker, 0, _WRITE) == answer(1, _WRITE), "from a network it is for the device"
    assert len(first.asked) == 1
