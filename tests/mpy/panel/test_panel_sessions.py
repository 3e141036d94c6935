"""The sessions of umb.panel: passwords, tokens and waiting times."""

import asyncio

from support.umb import raises

from umb.panel import sessions
from umb.panel.passwords import hash_password, is_same, parse
from umb.panel.sessions import Sessions

PASSWORD = "correct horse"
HASH = hash_password(PASSWORD)


class Clock:
    """A clock for umb.panel.sessions that stands still until it is set forward."""

    def __init__(self, now_s):
        self.now_s = now_s
        sessions.time = lambda: self.now_s

    def forward(self, seconds):
        self.now_s += seconds


def sign_in(one, password=PASSWORD):
    return asyncio.run(one.sign_in(password))


def test_hashes_differ_and_all_fit():
    hashes = {hash_password(PASSWORD) for _ in range(4)}
    assert len(hashes) == 4
    for text in hashes:
        assert PASSWORD not in text
        assert sign_in(Sessions(text)) is not None


def test_passwords_of_every_length():
    for n in range(80):
        password = "é" * (n // 2) + "x" * (n % 2)
        if 8 <= n <= 64:
            assert sign_in(Sessions(hash_password(password)), password)
        else:
            raises(ValueError, hash_password, password)
    for wrong in (None, 12345678, b"correct horse", ["correct horse"]):
        raises(ValueError, hash_password, wrong)


def test_what_is_no_hash():
    rounds, salt, digest = HASH.split(":")
    for text in (
        "",
        PASSWORD,
        HASH + ":",
        ":".join((rounds, salt)),
        ":".join(("0", salt, digest)),
        ":".join(("-1", salt, digest)),
        ":".join(("1000001", salt, digest)),
        ":".join(("many", salt, digest)),
        ":".join((rounds, "", digest)),
        ":".join((rounds, salt, digest[:-2])),
        ":".join((rounds, salt, digest + "00")),
        ":".join((rounds, salt, "zz" + digest[2:])),
        5,
        HASH.encode(),
    ):
        raises(ValueError, Sessions, text)
    assert parse(HASH)[0] == int(rounds)


def test_every_wrong_byte_is_noticed():
    token = bytes(range(32))
    assert is_same(token, bytes(token))
    for i in range(32):
        for bit in range(8):
            other = bytearray(token)
            other[i] ^= 1 << bit
            assert not is_same(token, other)
    for n in range(32):
        assert not is_same(token, token[:n])
        assert not is_same(token[:n], token)


def test_waits_double():
    clock = Clock(0)
    one = Sessions(HASH)
    assert one.wait_s() == 0
    for k, wait_s in enumerate((2, 4, 8, 16, 32, 64, 64)):
        assert sign_in(one, "wrong horse") is None
        assert one.wait_s() == wait_s
        clock.forward(wait_s - 1)
        assert sign_in(one) is None  # a second too soon
        assert one.refused_count == 2 * k + 2
        clock.forward(1)
        assert one.wait_s() == 0
    assert sign_in(one) is not None
    assert sign_in(one, "wrong horse") is None
    assert one.wait_s() == 2  # the first wait again


def test_clock_that_is_set_ends_a_wait():
    for seconds in (-1, -1000, 1_000_000_000):
        clock = Clock(1000)
        one = Sessions(HASH)
        sign_in(one, "wrong horse")
        clock.forward(seconds)
        assert one.wait_s() == 0
        assert sign_in(one) is not None


def test_sessions_end():
    clock = Clock(0)
    one = Sessions(HASH)
    token = sign_in(one)
    for _ in range(3):
        clock.forward(43_199)
        assert one.has(token)  # and it goes on
    clock.forward(43_200)
    assert not one.has(token)
    clock.forward(-43_200)
    assert not one.has(token)
    token = sign_in(one)
    clock.forward(-1)  # the clock was set
    assert not one.has(token)


def test_four_sessions():
    Clock(0)
    one = Sessions(HASH)
    tokens = [sign_in(one) for _ in range(6)]
    assert len(set(tokens)) == 6
    assert [one.has(token) for token in tokens] == [False, False, True, True, True, True]
    one.sign_out(tokens[3])
    one.sign_out(tokens[3])
    one.sign_out(None)
    assert [one.has(token) for token in tokens[2:]] == [True, False, True, True]
    for wrong in (None, "", "x", tokens[2][:-1], tokens[2] + "0"):
        assert not one.has(wrong)


def test_attempts_take_turns():
    Clock(0)
    one = Sessions(HASH)

    async def both():
        return await asyncio.gather(one.sign_in("wrong horse"), one.sign_in(PASSWORD))

    assert asyncio.run(both()) == [None, None]  # the second one finds that it has to wait
    assert one.refused_count == 2


def test_a_long_password_is_wrong_at_once():
    """It takes no time on a board: anybody can send one."""
    Clock(0)
    rounds = []
    hashed, sessions.next_digest = sessions.next_digest, lambda *_: rounds.append(1) or bytes(32)
    try:
        for n in (65, 66, 1000, 16_384):
            one = Sessions(HASH)
            assert sign_in(one, "x" * n) is None
            assert (rounds, one.refused_count, one.wait_s()) == ([], 1, 2)
        sign_in(Sessions(HASH), "x" * 64)
        assert rounds
    finally:
        sessions.next_digest = hashed
