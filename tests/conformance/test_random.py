"""Frames by chance, by the hundred thousand (TCP Messaging Implementation Guide 5.6)."""

import random
import struct

import pytest

from tests.conformance.device import SLAVE_ID
from tests.conformance.test_tcp import adu, is_heard

_FRAMES = 100_000
_BATCH = 200
_MEMORY = b"\x65"  # FC 101 and 100 of the bench
_ECHO = b"\x64"
_SLACK = 2000  # bytes that may be in use by chance


def random_pdu(rng):
    """Return a PDU: junk, or what looks like a request, or one cut short or too long."""
    code = rng.choice((1, 2, 3, 4, 5, 6, 7, 11, 15, 16, 17, 20, 21, 22, 23, 24, 43, 100, 254))
    size = rng.choice((0, 1, 3, 4, 4, 4, 5, 9, 11, rng.randrange(253)))
    data = bytearray(rng.randbytes(size))
    if size >= 4 and rng.random() < 0.7:
        data[0], data[1], data[2] = 0, rng.randrange(256), rng.choice((0, 0, 0, 1, 255))
        if size > 4 and code in (15, 16):
            data[4] = size - 5
    if code == 254:
        code = rng.randrange(102, 256)
    return bytes([code]) + bytes(data)


def batch(rng):
    """Return frames of a client, each with a header that is fine."""
    return [
        adu(
            random_pdu(rng),
            transaction=rng.randrange(65536),
            unit=rng.choice((SLAVE_ID, SLAVE_ID, SLAVE_ID, 0, 255, rng.randrange(256))),
        )
        for _ in range(_BATCH)
    ]


def replies(master, n):
    """Return the next frames, fetched in large pieces."""
    with master.file.makefile("rb") as stream:
        for _ in range(n):
            head = stream.read(6)
            yield head + stream.read(int.from_bytes(head[4:], "big"))


def exchange(master, frames):
    """Send frames, and check that each has its answer."""
    master.put(b"".join(frames))
    for frame, reply in zip(frames, replies(master, len(frames)), strict=True):
        assert reply, "closed"
        assert reply[:4] + reply[6:7] == frame[:4] + frame[6:7]
        assert (1 if frame[7:] == _ECHO else 2) <= len(reply) - 7 <= 253
        assert reply[7] & 0x7F == frame[7] & 0x7F
        if reply[7] & 0x80:
            assert len(reply) == 9


def memory(master):
    """Return how many bytes of its heap the server uses."""
    return struct.unpack(">I", master.ask(_MEMORY)[1:])[0]


@pytest.mark.transport("TCP")
def test_142_random_frames(new_bench):
    rng = random.Random(142)
    with new_bench() as bench:
        master = bench.peer("TCP")
        before = 0
        for i in range(_FRAMES // _BATCH):
            exchange(master, batch(rng))
            if i % 20 == 5:  # a header that is not fine
                master.put(rng.randbytes(2) + b"\1" + rng.randbytes(300))
                assert master.refused()
                master.close()
                master = bench.peer("TCP")
            if i == 10:
                before = memory(master)
        assert is_heard(master)
        assert memory(master) <= before + _SLACK
        master.close()


@pytest.mark.parametrize("master", ["UDP", "RTU", "ASCII"])
def test_142_random_bytes(new_bench, master):
    rng = random.Random(master)
    with new_bench() as bench:
        peer = bench.peer(master)
        for i in range(200):
            data = rng.randbytes(rng.randrange(1, 300))
            if i % 4 == 0:
                data = peer.frame(random_pdu(rng))
            elif master == "ASCII":
                data = b":" + data.hex().encode()[: rng.randrange(600)]
            peer.put(data)
            if i % 100 == 99:
                peer.drain()
                assert is_heard(peer)
        peer.close()
