"""What a client on a serial line must do (SL 2.1-2.5)."""

import itertools

import pytest

from tests.conformance.clients import CALL, VALUES
from tests.conformance.slaves import WRONG, echoing, fine, in_turn, silent


def test_093_ids_that_cannot_be_asked(serial_client):
    for wrong in (256, -1):
        assert serial_client.outcome(f"read_coils({wrong}, 0, 1)") == "ValueError"
    assert serial_client.outcome("read_coils(0, 0, 1)") == "ValueError"  # nobody would answer
    assert serial_client.is_right()


def test_093_reserved_ids_are_asked(serial_client):
    """There are devices that have one."""
    for slave_id in range(248, 256):
        assert serial_client.outcome(f"read_coils({slave_id}, 0, 1)") == [1]
        assert serial_client.slave.requests[-1].slave_id == slave_id


def test_096_turnaround_after_a_broadcast(serial_client):
    serial_client.slave.script = silent
    got, took_s = serial_client.timed("write_single_register(0, 1, 5)")
    assert got is None
    assert took_s >= 0.098  # 100 ms, by a clock of whole ones
    assert serial_client.is_right()  # and by then the slave has read both
    assert serial_client.slave.requests[0].slave_id == 0


def test_097_one_at_a_time(serial_client):
    came_too_soon = []

    def slow(request):
        yield 0.15
        came_too_soon.append(serial_client.slave.waiting())
        yield from fine(request)

    serial_client.slave.script = slow
    for _ in range(2):
        assert serial_client.call(CALL) == VALUES
    serial_client.run("client.timeout_ms = 100; client.retries = 1")
    serial_client.slave.script = silent
    got, took_s = serial_client.timed(CALL)
    assert got == "NoReplyError"
    assert took_s >= 0.196
    assert came_too_soon == [False, False]
    assert len(serial_client.slave.requests) == 4


def test_098_replies_of_others_are_dropped(serial_client):
    def first_another(request):
        yield request.reply(WRONG, slave_id=16)
        yield 0.05
        yield request.reply("8302", slave_id=18)
        yield 0.05
        yield from fine(request)

    serial_client.slave.script = first_another
    assert serial_client.call(CALL) == VALUES


def test_098_replies_of_others_do_not_prolong_the_wait(serial_client):
    waits = [True]

    def others(request):
        for _ in itertools.takewhile(lambda _: waits, range(250)):
            yield request.reply(WRONG, slave_id=16)
            yield 0.02

    serial_client.slave.script = others
    serial_client.run("client.timeout_ms = 300")
    got, took_s = serial_client.timed(CALL)
    waits.clear()
    assert got == "BadReplyError"
    assert took_s < 4  # the others go on for 5 s


@pytest.mark.parametrize("at", [0, 2, 5, 8])
def test_099_wrong_checks(serial_client, at):
    """Any character of the reply may be the wrong one."""

    def wrong(request):
        frame = bytearray(next(fine(request)))
        at_ = at if serial_client.name == "RTU" else 1 + 2 * min(at, 7)
        frame[at_] ^= 1
        yield bytes(frame)

    serial_client.run("client.timeout_ms = 250")
    serial_client.slave.script = wrong
    assert serial_client.outcome(CALL) == "BadReplyError"
    serial_client.run("client.retries = 1; client.timeout_ms = 300")
    serial_client.slave.script = in_turn(wrong, fine)
    assert serial_client.outcome(CALL) == VALUES


def test_115_local_echo(serial_client):
    serial_client.run("client = make(echo=True, timeout_ms=500)")
    serial_client.slave.script = echoing(fine)
    for _ in range(3):
        assert serial_client.call(CALL) == VALUES
    assert (
        serial_client.call("write_single_register(17, 1, 5)") == 5
    )  # the echo looks like the reply
    serial_client.slave.script = echoing(silent)
    assert serial_client.outcome("write_single_register(17, 1, 5)") == "NoReplyError"


def test_115_an_echo_that_is_not_what_was_sent(serial_client):
    def change(frame):
        return frame[:5] + bytes([frame[5] ^ 1]) + frame[6:]

    serial_client.run("client = make(echo=True, timeout_ms=300)")
    serial_client.slave.script = echoing(silent, change)
    assert serial_client.outcome(CALL) == "BadReplyError"
    serial_client.slave.script = silent
    assert serial_client.outcome(CALL) == "NoReplyError"
