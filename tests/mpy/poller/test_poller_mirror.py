"""umb.poller.mirror.Mirror, and a device's counters as registers: what clients of both get."""

from support.heap import free_of_heap
from support.polling import polling

from umb.points import Points, PointStore
from umb.poller.mirror import Mirror
from umb.server import Server
from umb.store import Store

_POINTS = [
    {"name": "power", "address": 0, "input_type": "input", "data_type": "float32", "precision": 1},
    {"name": "count", "address": 2, "input_type": "input", "data_type": "uint32"},
    {"name": "test", "address": 4, "input_type": "input", "scan_interval": None},
    {"name": "setpoint", "address": 10, "writable": True, "scale": 0.5, "max_value": 30},
    {"name": "gain", "address": 11, "writable": True, "data_type": "float32", "precision": 1},
    {"name": "low", "address": 20, "bit": 0, "writable": True},
    {"name": "high", "address": 20, "bit": 15, "writable": True},
    {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
    {"name": "alarm", "address": 9, "input_type": "discrete_input"},
]
_MISSING = b"\x84\x0b"


class Link:
    """A client of a Server: link(pdu) is the response PDU."""

    serial = False
    peer = None
    listen_only = False
    gone = False

    def __init__(self, server):
        from umb.server import Counters

        self.counters = Counters()
        self._server = server
        self._adu = bytearray(262)
        self._adu[6] = 1

    def __call__(self, pdu):
        self._adu[7 : 7 + len(pdu)] = pdu
        return bytes(self._adu[7 : 7 + self._server.handle(self._adu, len(pdu), self)])


def mirrored(**named):
    """(poller, told, device, the device's own store, a client of its Mirror)."""
    store = PointStore(Points(_POINTS))
    store["power"] = 230.123
    store["count"] = 70_000
    store["alarm"] = 1
    devices = {7: Server(store, slave_ids=(7,))}
    poller, told = polling(devices)
    device = poller.device(7, Points(_POINTS), interval_ms=200, **named)
    return poller, told, device, store, Link(Server(Mirror(device)))


def test_reading():
    """Registers and bits are what the device has, to the last bit of a float."""
    poller, _, _, store, ask = mirrored()
    assert ask(b"\x04\0\0\0\x02") == _MISSING  # not read yet
    poller.run(1000)
    registers = bytearray(8)
    store.input_registers.get(0, 4, registers, 0)
    assert ask(b"\x04\0\0\0\x04") == b"\x04\x08" + registers
    assert ask(b"\x02\0\x09\0\x01") == b"\x02\x01\x01"
    assert ask(b"\x01\0\x03\0\x01") == b"\x01\x01\x00"
    assert ask(b"\x04\0\0\0\x01") == b"\x84\x02"  # a part of a value
    assert ask(b"\x04\0\x05\0\x01") == b"\x84\x02"  # no point
    assert ask(b"\x04\0\x02\0\x03") == _MISSING  # the last of these is read on demand
    assert ask(b"\x06\0\x00\0\x01") == b"\x86\x02"
    store["count"] = 70_001
    poller.run(250)
    assert ask(b"\x04\0\x02\0\x02") == b"\x04\x04\x00\x01\x11\x71"


def test_writing():
    """What is written reaches the device, also what it has already; and is read back at once."""
    poller, told, device, store, ask = mirrored()
    poller.run(1000)
    count = len(poller.client.log)
    for value in (b"\x00\x2a", b"\x00\x2a"):
        assert ask(b"\x06\0\x0a" + value) == b"\x06\0\x0a" + value
        assert ask(b"\x03\0\x0a\0\x01") == b"\x03\x02" + value and device["setpoint"] == 21.0
        poller.run(100)
    writes = [pdu for _, _, pdu in poller.client.log[count:] if pdu[0] == 6]
    assert writes == [b"\x06\0\x0a\x00\x2a"] * 2 and store["setpoint"] == 21.0
    # 20.123 is not rounded to the precision that people see.
    exact = b"\x41\xa0\xfb\xe7"
    assert ask(b"\x10\0\x0b\0\x02\x04" + exact) == b"\x10\0\x0b\0\x02"
    assert ask(b"\x05\0\x03\xff\x00") == b"\x05\0\x03\xff\x00"
    poller.run(300)
    registers = bytearray(4)
    store.holding_registers.get(11, 2, registers, 0)
    assert registers == exact and store["relay"] == 1 and told.errors == []
    assert ask(b"\x06\0\x0a\x00\x3d") == b"\x86\x03"  # beyond max_value
    assert ask(b"\x06\0\x0b\x00\x3d") == b"\x86\x02"  # a half of a float
    poller.run(300)
    assert store["setpoint"] == 21.0


def test_bits_of_a_register():
    """Only those that a request changes are written, each by itself."""
    poller, _, _, store, ask = mirrored()
    store.holding_registers[20] = 0x0100  # which no point has
    store["high"] = 1
    poller.run(1000)
    count = len(poller.client.log)
    assert ask(b"\x06\0\x14\x80\x01") == b"\x06\0\x14\x80\x01"
    poller.run(300)
    assert store.holding_registers[20] == 0x8101
    writes = [pdu for _, _, pdu in poller.client.log[count:] if pdu[0] == 22]
    assert writes == [b"\x16\0\x14\xff\xfe\x00\x01"]
    assert ask(b"\x16\0\x14\x7f\xff\x00\x00") == b"\x16\0\x14\x7f\xff\x00\x00"
    poller.run(300)
    assert store.holding_registers[20] == 0x0101


def test_a_device_that_is_gone():
    poller, _, device, store, ask = mirrored()
    poller.run(1000)
    server = poller.client.devices.pop(7)
    poller.run(6000)
    assert device.state == "offline"
    assert ask(b"\x04\0\0\0\x02") == _MISSING
    assert ask(b"\x06\0\x0a\0\x2a") == b"\x86\x0b" and device.writes == []
    poller.client.devices[7] = server
    poller.run(4000)
    assert ask(b"\x04\0\x02\0\x02") == b"\x04\x04\x00\x01\x11\x70"
    assert ask(b"\x06\0\x0a\0\x2a") == b"\x06\0\x0a\0\x2a"
    poller.run(300)
    assert store["setpoint"] == 21.0


def test_values_that_are_old():
    poller, _, device, _, ask = mirrored(max_age_ms=500)
    poller.run(1000)
    assert ask(b"\x04\0\0\0\x02") != _MISSING
    poller.client.devices.clear()
    poller.run(900)
    assert device.state == "online" and ask(b"\x04\0\0\0\x02") == _MISSING


def test_a_point_that_the_device_has_not():
    poller, _, device, _, ask = mirrored()
    server = poller.client.devices[7]
    answer = Link(server)
    answer._adu[6] = 7

    def handler(pdu):
        return b"\x82\x02" if pdu[0] == 2 else answer(pdu)

    poller.client.devices[7] = handler
    poller.run(1000)
    assert device["alarm"] is None and ask(b"\x02\0\x09\0\x01") == b"\x82\x02"
    assert ask(b"\x04\0\0\0\x02") != _MISSING


def test_a_write_that_the_device_refuses():
    """The client was answered before; on_error tells, and the old value is there again."""
    poller, told, _, store, ask = mirrored()
    poller.run(1000)
    answer = Link(poller.client.devices[7])
    answer._adu[6] = 7
    poller.client.devices[7] = lambda pdu: b"\x86\x04" if pdu[0] == 6 else answer(pdu)
    assert ask(b"\x06\0\x0a\0\x2a") == b"\x06\0\x0a\0\x2a"
    poller.run(400)
    assert [error[:2] for error in told.errors] == [(7, "setpoint")]
    assert ask(b"\x03\0\x0a\0\x01") == b"\x03\x02\0\0" and store["setpoint"] == 0


# --- counters


def counted():
    """A poller of device 7 and of 9, which is dead, and a client of their counters."""
    devices = {7: Server(PointStore(Points(_POINTS)), slave_ids=(7,))}
    poller, _ = polling(devices)
    alive = poller.device(7, Points(_POINTS), interval_ms=200)
    dead = poller.device(9, Points(_POINTS), interval_ms=200)
    store = Store(input_registers=poller.registers(1000))
    return poller, alive, dead, Link(Server(store))


def numbers(reply):
    """The numbers in a reply with the counters of a device."""
    assert reply[:2] == b"\x04\x20", reply
    words = [reply[i] << 8 | reply[i + 1] for i in range(2, 34, 2)]
    return words[:2] + [words[i] << 16 | words[i + 1] for i in range(2, 14, 2)] + words[14:]


def test_counters():
    poller, alive, dead, ask = counted()
    assert numbers(ask(b"\x04\x03\xe8\0\x10")) == [0] * 10
    poller.run(9000)
    for address, device, state in ((0xE8, alive, 1), (0xF8, dead, 2)):
        assert numbers(ask(bytes((4, 3, address, 0, 16)))) == [
            state,
            1 if device.overloaded else 0,
            device.request_count,
            device.answer_count,
            device.exception_count,
            device.timeout_count,
            device.wrong_reply_count,
            device.missed_count,
            device.last_ms,
            device.worst_ms,
        ]
    assert alive.request_count == alive.answer_count > 100
    assert dead.timeout_count == dead.request_count > 3 and dead.answer_count == 0
    assert len(ask(b"\x04\x03\xe8\0\x20")) == 66  # both at once
    alive.request_count = 0x3FFFFFFF  # 2**30 - 1
    alive.worst_ms = 100_000
    got = numbers(ask(b"\x04\x03\xe8\0\x10"))
    assert got[2] == 0x3FFFFFFF and got[9] == 0xFFFF
    poller.run(400)
    assert numbers(ask(b"\x04\x03\xe8\0\x10"))[2] < 20  # it has wrapped


def test_intervals_that_are_not_kept():
    devices = {7: Server(PointStore(Points(_POINTS)), slave_ids=(7,))}
    poller, _ = polling(devices, wire_ms=50)
    device = poller.device(7, Points(_POINTS), interval_ms=20, max_gap=0)
    ask = Link(Server(Store(input_registers=device.registers(0))))
    poller.run(3000)
    got = numbers(ask(b"\x04\0\0\0\x10"))
    assert got[1] == 1 and got[7] == device.missed_count > 10


class Reader:
    """Reads of counters and of a Mirror."""

    faults = 0

    def __init__(self):
        self.poller, _, self.device, _, self.ask = mirrored()
        self.poller.run(1000)
        self.counters = Link(Server(Store(input_registers=self.device.registers(0))))
        for link in (self.counters, self.ask):
            link._adu[6] = 1

    def read(self, link, quantity):
        adu = link._adu
        adu[7] = 4
        adu[8] = adu[9] = adu[10] = 0
        adu[11] = quantity
        if link._server.handle(adu, 5, link) != 2 + 2 * quantity:
            self.faults += 1


def read_both(reader):
    reader.read(reader.counters, 16)
    reader.read(reader.ask, 4)


def test_reading_allocates_nothing():
    free_of_heap("counters and a mirror", read_both, Reader())
