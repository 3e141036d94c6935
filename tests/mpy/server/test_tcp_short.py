"""Requests shorter than most: a TCPServer reads a little ahead, and must lose nothing by it."""

import random

from support.pdu import words
from support.tcp import Bench, Keeper, frame


class Long:
    """A handler whose every response is as long as can be, and tells what it was asked."""

    def handle(self, adu, n, _link):
        asked = bytes(adu[7 : 7 + n])
        for i in range(253):
            adu[7 + i] = 0xEE
        adu[7 : 7 + n] = asked
        return 253


def pdu(n, seed):
    """A request PDU of n bytes, none like another's."""
    return bytes((seed * 7 + i * 31 + 1) & 0xFF for i in range(n))


def answered(client, asked):
    """These PDUs, sent as frames 0, 1, ..., have to be answered by Long in their order."""
    for i, one in enumerate(asked):
        got = client.frame()
        assert got == (i, 1, one + b"\xee" * (253 - len(one))), "{}: {}".format(i, got)


def test_any_three_lengths_in_one_segment():
    with Bench(Long()) as bench:
        client = bench.client()
        for i in range(6**3):
            asked = [pdu(1 + i // 6**k % 6, i + k) for k in range(3)]
            client.send(b"".join(frame(one, 1, k) for k, one in enumerate(asked)))
            answered(client, asked)
        assert client.quiet()


def test_any_split_of_short_frames():
    asked = [pdu(n, n) for n in (1, 2, 1, 4, 3)]
    data = b"".join(frame(one, 1, i) for i, one in enumerate(asked))
    with Bench(Long()) as bench:
        client = bench.client()
        for cut in range(1, len(data)):
            client.send(data[:cut])
            bench.rest(1)
            client.send(data[cut:])
            answered(client, asked)
        assert client.quiet()


def test_random_splits_of_random_lengths():
    random.seed(9)
    asked = [pdu(random.choice((1, 1, 2, 3, 4, 5, 5, 20, 253)), i) for i in range(150)]
    data = b"".join(frame(one, 1, i) for i, one in enumerate(asked))
    with Bench(Long()) as bench:
        client = bench.client()
        at = 0
        while at < len(data):
            n = random.randint(1, 40)
            client.send(data[at : at + n])
            at += n
            bench.poll()
        answered(client, asked)
        assert client.quiet()


def test_short_request_alone_is_answered_at_once():
    with Bench(Long()) as bench:
        client = bench.client()
        for n in (1, 2, 3, 4):
            client.send(frame(pdu(n, n), 1, 0))
            answered(client, [pdu(n, n)])


def test_start_of_a_bad_header_behind_a_short_request():
    with Bench(Long()) as bench:
        client = bench.client()
        client.send(frame(b"\3", 1, 0) + b"\xff" * 4)
        answered(client, [b"\3"])
        assert client.quiet()
        client.send(b"\xff" * 8)
        assert client.closed()


def test_short_requests_that_are_kept():
    keeper = Keeper()
    with Bench(keeper) as bench:
        client = bench.client()
        asked = [pdu(n, n) for n in (1, 2, 3, 1, 4)]
        client.send(b"".join(frame(one, 1, i) for i, one in enumerate(asked)))
        for i, one in enumerate(asked):
            bench.until(lambda: keeper.kept, "no request")
            assert keeper.pdus() == [one]
            keeper.answer(b"\x03\xfa" + words(*range(125)))
            assert client.frame() == (i, 1, b"\x03\xfa" + words(*range(125)))
        assert client.quiet()


def test_short_requests_of_a_client_that_does_not_read():
    with Bench(Long()) as bench:
        client = bench.client(rcvbuf=1)
        asked = 0
        while asked < 60_000:
            for i in range(asked, asked + 500):
                client.send(frame(b"\3", 1, i))
            asked += 500
            if bench.rest(10) == 0:
                break
        assert bench.answered < asked
        for i in range(asked):
            got = client.frame()
            assert got[0] == i and len(got[2]) == 253, i
        assert client.quiet() and bench.answered == asked


def test_next_client_does_not_get_what_was_read_ahead():
    with Bench(Long(), max_clients=1) as bench:
        first = bench.client()
        first.send(frame(b"\3", 1, 0) + b"\xff" * 4)
        answered(first, [b"\3"])
        first.close()
        second = bench.client()
        second.send(frame(b"\4\5\6\7\x08", 1, 0))
        answered(second, [b"\4\5\6\7\x08"])
