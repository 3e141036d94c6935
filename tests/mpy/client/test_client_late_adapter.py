"""RTUClient and late replies on slow lines and through adapters.

A reply takes its time to come, and a request may still be leaving when the client goes on.
"""

from support.late import LateBus, always, clock, once  # comes first, see there

from support import spread
from support.bus import value_of
from support.umb import raises

from umb.client.rtu import RTUClient
from umb.errors import ModbusError

TIMEOUT_MS = 60  # longer than a character of the slowest line here
_LONG = [7] * 123


def client_on(bus, baudrate, **options):
    return RTUClient(bus, baudrate=baudrate, parity=0, timeout_ms=TIMEOUT_MS, **options)


def ask(client, address):
    """Read a register of slave 5. Returns whether it came; it must be the one asked for."""
    try:
        got = client.read_holding_registers(5, address, 1)
    except ModbusError:
        return False
    assert got == [value_of(5, address)], (address, got)
    return True


def begin_of(bus, number, size):
    """When request `number` of so many bytes began to leave, in us."""
    return bus.times_us[number] - bus.chars_ns(size) // 1000


def ask_in_vain(client, long):
    """Let a request time out."""
    if long:
        raises(ModbusError, client.write_multiple_registers, 5, 0, _LONG)
    else:
        raises(ModbusError, client.read_holding_registers, 5, 0, 1)


def waited_ms(baudrate, long, give_up, **line):
    """For how long after a request that stays without a reply the slave is not asked again.

    None: the request has not even left.
    """
    bus = LateBus(always(3000), baudrate, exact_times=False, txdone="true", **line)
    client = client_on(bus, baudrate, echo=line.get("echo", False))
    assert ask(client, 1)
    bus.delay_for = always(None)
    give_up(client, long)
    bus.delay_for = always(3000)
    assert ask(client, 2)
    bus.is_clean()
    if len(bus.times_us) == 2:
        return None
    return (begin_of(bus, 2, 8) - bus.times_us[1]) / 1000


def test_the_time_for_late_replies_begins_with_the_end_of_the_request():
    """Whatever the request's own length: three time-outs, as on any other line."""
    for baudrate in (300, 1200, 9600, 115200):
        for long in (False, True):
            for line in ({}, {"echo": True}):
                took_ms = waited_ms(baudrate, long, ask_in_vain, **line)
                most_ms = 3 * TIMEOUT_MS + 45 + 65_000 / baudrate
                assert 3 * TIMEOUT_MS <= took_ms < most_ms, (baudrate, long, line, took_ms)


def interrupted(after_us):
    """A way to give up a request so long after it began."""

    def give_up(client, long):
        wait = client.wait
        until_us = clock.now_us() + after_us

        def look():
            if clock.now_us() >= until_us:
                client.wait = wait
                raise KeyboardInterrupt
            return wait()

        client.wait = look
        raises(KeyboardInterrupt, ask_in_vain, client, long)

    return give_up


def test_a_request_that_is_given_up_while_it_leaves():
    """Its slave is not asked while the reply may come in time, counted from the request's end."""
    for baudrate in (300, 1200, 9600):
        for long in (False, True):
            leaves_us = (255 if long else 8) * 11_000_000 // baudrate
            took = []
            for part in range(9):
                after_us = part * (leaves_us + 500 * TIMEOUT_MS) // 8
                took.append(waited_ms(baudrate, long, interrupted(after_us)))
            took = [ms for ms in took if ms is not None]
            assert len(took) > 3 and min(took) >= TIMEOUT_MS, (baudrate, long, took)


def test_every_answer_belongs_to_its_question():
    """A late reply that has begun within the time counts as late, whenever it ends."""
    for baudrate in (1200, 9600, 115200):
        for delay_ms in spread(range(0, 3 * TIMEOUT_MS, 5), 9):
            for script in (always(delay_ms * 1000), once(1, delay_ms * 1000)):
                for line in ({}, {"exact_times": False, "txdone": "true"}):
                    bus = LateBus(script, baudrate, **line)
                    client = client_on(bus, baudrate, retries=delay_ms & 2)
                    for i in range(4):
                        ask(client, i)
                    bus.is_clean()
