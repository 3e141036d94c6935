"""Networks (TCP Messaging Implementation Guide): headers, pieces, connections."""

import random
import struct
import threading
import time

import pytest

from tests.conformance.device import SLAVE_ID, SLAVE_IDS
from tests.conformance.test_general import words

READ = words(3, 0, 1)


def adu(pdu, *, transaction=1, protocol=0, length=None, unit=SLAVE_ID):
    """Return a frame, which may be a wrong one."""
    length = len(pdu) + 1 if length is None else length
    return struct.pack(">HHHB", transaction, protocol, length, unit) + pdu


def is_heard(master):
    """Does the server answer a request that is fine?"""
    response = master.ask(READ)
    return response is not None and response[:2] == b"\x03\x02"


def test_124_a_port_that_is_asked_for(network):
    assert is_heard(network)


def test_125_127_128_header(network):
    for transaction in (0, 1, 0x1234, 0xFFFF):
        for unit in SLAVE_IDS:
            for pdu, size in ((READ, 4), (words(3, 0, 125), 252), (words(3, 9999, 1), 2)):
                network.put(adu(pdu, transaction=transaction, unit=unit))
                reply = network.receive()
                assert reply[:7] == adu(bytes(size), transaction=transaction, unit=unit)[:7]
                assert len(reply) == 7 + size


@pytest.mark.parametrize("protocol", [1, 0x0100, 0xFFFF])
def test_126_another_protocol(network, protocol):
    network.put(adu(words(6, 9, 0x4D), protocol=protocol))
    assert network.refused()


def test_129_the_device_itself(network):
    for unit in (0, 255):
        for pdu in (words(6, 9, unit), words(3, 9, 1)):
            assert network.ask(pdu, unit)[0] == pdu[0]
        assert network.ask(words(3, 9, 1)) == b"\x03\x02" + struct.pack(">H", unit)
    assert network.ask(READ, 77) == b"\x83\x0b"  # rather than silence (policy)


@pytest.mark.parametrize("length", [0, 1, 255, 256, 0x8000, 65535])
def test_130_lengths_that_cannot_be(network, length):
    network.put(adu(READ, length=length) + bytes(253))
    assert network.refused()


@pytest.mark.parametrize("length", [2, 5, 7, 254])
def test_130_lengths_that_are_not_the_datagrams(udp, length):
    udp.put(adu(READ, length=length))
    assert udp.silent()
    assert is_heard(udp)


def test_131_byte_by_byte(tcp):
    for byte in adu(words(16, 0, 2) + b"\x04\0\1\0\2"):
        tcp.put(bytes([byte]))
        time.sleep(0.002)
    assert tcp.receive() == adu(words(16, 0, 2))


def test_131_any_two_pieces(tcp):
    frame = adu(words(16, 0, 2) + b"\x04\0\1\0\2")
    for at in range(1, len(frame)):
        tcp.put(frame[:at])
        time.sleep(0.001)
        tcp.put(frame[at:])
        assert tcp.receive() == adu(words(16, 0, 2))
    stream = b"".join(adu(words(3, 0, i), transaction=i) for i in range(1, 40))
    for at in range(0, len(stream), 17):
        tcp.put(stream[at : at + 17])
    for i in range(1, 40):
        assert tcp.receive()[:9] == adu(b"\x03" + bytes([2 * i]) + bytes(2 * i), transaction=i)[:9]


def test_132_many_at_once(tcp):
    """All in one segment; each is answered, in order, with its transaction id."""
    rng = random.Random(132)
    asked = [(rng.randrange(65536), rng.randrange(1, 126)) for _ in range(50)]
    tcp.put(b"".join(adu(words(3, 0, n), transaction=i) for i, n in asked))
    for i, n in asked:
        reply = tcp.receive()
        assert struct.unpack(">HHHBBB", reply[:9]) == (i, 0, 2 * n + 3, SLAVE_ID, 3, 2 * n)


def test_135_one_connection(tcp):
    for i in range(500):
        assert tcp.ask(words(6, 9, i)) == words(6, 9, i)


@pytest.mark.transport("TCP")
def test_136_full_table(bench):
    """There are three places. Who asks now and then keeps the place; a newcomer is refused."""
    peers = [bench.peer("TCP") for _ in range(3)]
    for _ in range(3):
        for peer in peers:
            assert is_heard(peer)
        newcomer = bench.peer("TCP")
        assert newcomer.refused()
        newcomer.close()
    peers.pop(1).close()
    time.sleep(0.05)
    peers.append(bench.peer("TCP"))
    for peer in peers:
        assert is_heard(peer)
        peer.close()


@pytest.mark.transport("TCP")
def test_137_peers_that_say_nothing(bench):
    """After 1.5 s they are closed, whatever they did before."""
    peers = [bench.peer("TCP") for _ in range(3)]
    assert is_heard(peers[1])
    peers[2].put(adu(READ)[:9])
    for peer in peers:
        assert peer.refused()
        peer.close()


def test_138_in_one_piece(tcp):
    for quantity in (1, 60, 125):
        tcp.put(adu(words(3, 0, quantity)))
        assert len(tcp.file.recv(4096)) == 9 + 2 * quantity


@pytest.mark.transport("TCP")
def test_139_whole_values(bench):
    """Three clients write 20 registers, all alike, and find them so, whoever was the last."""
    torn = []

    def work(value):
        master = bench.peer("TCP")
        pdu = words(16, 100, 20) + b"\x28" + bytes([value]) * 40
        for _ in range(100):
            assert master.ask(pdu) == words(16, 100, 20)
            values = master.ask(words(3, 100, 20))[2:]
            if len(set(values)) != 1:
                torn.append(values.hex())
        master.close()

    threads = [threading.Thread(target=work, args=(value,)) for value in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not torn
