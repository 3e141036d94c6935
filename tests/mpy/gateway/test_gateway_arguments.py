"""What a gateway is given, and what it never passes on."""

from support.bus import Bus
from support.gateway import Asker, Bench
from support.pdu import Link, ask, request
from support.uart import clock

from umb.gateway import Gateway


def test_no_request_is_passed_on():
    """A function code of 0x80 or more: another slave's exception, or nonsense."""
    bench = Bench((Bus(), None))
    for code in range(0x80, 0x100):
        assert ask(bench.gateway, bytes((code, 2)), 5, Link(serial=True)) is None
        assert ask(bench.gateway, bytes((code, 2)), 5, Link()) == bytes((code, 1))
    assert bench.run(300) == 0


def test_wrong_arguments():
    client = Bench((Bus(), None)).gateway._paths[0].client
    for arguments, options in (
        ((5,), {}),
        ((type(client),), {}),
        ((client, 7), {}),
        ((client, (1, 256)), {}),
        ((client, ("1",)), {}),
        ((client, [-1]), {}),
        ((client, None, 0), {}),
        ((client, None, 1 << 29), {}),
        ((client,), {"max_wait_ms": -1}),
        ((client,), {"max_wait_ms": "5"}),
        ((client,), {"cache_ms": -1}),
        ((client,), {"cache_ms": None}),
        ((client,), {"cache_ms": 1 << 29}),
        ((client,), {"cached": 0}),
        ((client,), {"cached": 256}),
        ((client,), {"cached": "8"}),
        ((client,), {"unit_ids": [1, 2]}),
        ((client,), {"queue": 0}),
    ):
        try:
            Gateway(*arguments, **options)
        except ValueError:
            continue
        raise AssertionError("{} {} are accepted".format(arguments, options))


def test_a_reply_that_no_frame_can_hold_does_not_hold_the_line():
    """A request for 65535 registers, and a slave that begins to answer and stops."""
    bus = Bus(9600, replies=lambda _slave_id, _pdu: (500, b"\x05\x03\xfe\x00\x00"))
    bench = Bench((bus, None), baudrate=9600)
    asker = Asker()
    assert bench.ask(asker, 5, request(3, 0, 0xFFFF)) == b"\x83\x0b"
    assert clock.now_us() < 1_000_000, clock.now_us()
