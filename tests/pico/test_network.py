"""The network of the emulated Pico W, without a board: what is lost on the way is sent again."""

from collections import deque
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

net = pytest.importorskip("rp2040py.external.cyw43.net")

from rp2040py.clock.simulation_clock import SimulationClock  # noqa: E402 - it may be missing
from rp2040py.external.cyw43.nat import GATEWAY_MAC  # noqa: E402

from tools.emulator.network import BOARD, HOST, Network  # noqa: E402
from tools.emulator.wire import MS  # noqa: E402

MAC = b"\2board"
BOARD_IP, HOST_IP = ip_address(BOARD).packed, ip_address(HOST).packed
PORT, OWN_PORT = 502, 1883
WINDOW = 1000


class Peer:
    """A board that takes whole segments, acknowledges them, and loses those that it shall lose."""

    def __init__(self):
        self.clock = SimulationClock()
        self._frames = deque()
        self.radio = SimpleNamespace(deliver=self._frames.append)
        self.network = Network(self)
        self.lost = 0  # so many of the next segments
        self.received = b""
        self.flags = []
        self.next, self.wanted = 500, 0
        self.peer_port = None

    def send(self, flags, payload=b"", source=PORT, target=None):
        segment = net.pack_tcp(
            BOARD_IP,
            HOST_IP,
            source,
            target or self.peer_port,
            seq=self.next,
            ack=self.wanted,
            flags=flags,
            window=WINDOW,
            payload=payload,
            mss=536 if flags & net.TCP_SYN else None,
        )
        self.next += len(payload) + bool(flags & (net.TCP_SYN | net.TCP_FIN))
        packet = net.pack_ipv4(BOARD_IP, HOST_IP, net.IP_PROTO_TCP, segment)
        self.radio.on_frame(net.pack_ethernet(GATEWAY_MAC, MAC, net.ETHERTYPE_IPV4, packet))

    def _take(self, frame):
        if self.lost:
            self.lost -= 1
            return
        segment = net.parse_tcp(net.parse_ipv4(net.parse_ethernet(frame).payload).payload)
        self.flags.append(segment.flags)
        self.peer_port = segment.src_port
        if segment.flags & net.TCP_SYN:
            self.wanted = segment.seq + 1
            if not segment.flags & net.TCP_ACK:
                self.send(net.TCP_SYN | net.TCP_ACK)
                return
        elif segment.seq == self.wanted:
            self.received += segment.payload
            self.wanted += len(segment.payload) + bool(segment.flags & net.TCP_FIN)
        if segment.payload or segment.flags & (net.TCP_SYN | net.TCP_FIN):
            self.send(net.TCP_ACK)

    def wait(self, ms=10):
        for _ in range(ms):
            while self._frames:
                self._take(self._frames.popleft())
            self.clock.tick(MS)


@pytest.mark.parametrize("lost", range(4))
def test_what_is_lost_is_sent_again(lost):
    """The greeting, or any of the segments."""
    peer = Peer()
    data = bytes(range(250)) * 20
    peer.lost = 0 if lost else 1
    connection = peer.network.connect(PORT)
    peer.wait(1000)
    peer.lost = lost
    connection.send(data)
    peer.wait(5000)
    assert connection.is_open
    assert peer.received == data


def test_both_ends_close():
    peer = Peer()
    connection = peer.network.connect(PORT)
    connection.send(b"question")
    peer.wait()
    peer.send(net.TCP_ACK | net.TCP_PSH, b"answer")
    peer.send(net.TCP_FIN | net.TCP_ACK)
    assert connection.take() == b"answer" and connection.board_has_ended
    assert not connection.is_closed
    connection.close()
    peer.wait()
    assert connection.is_closed and not connection.was_reset
    assert peer.received == b"question" and not peer.network.connections


def test_the_board_connects():
    peer = Peer()
    taken = []
    peer.network.on_connect = lambda port: taken.append if port == OWN_PORT else None
    peer.send(net.TCP_SYN, source=50_000, target=OWN_PORT)
    peer.wait()
    peer.send(net.TCP_ACK | net.TCP_PSH, b"hello", source=50_000)
    assert taken[0].take() == b"hello"


def test_a_port_at_which_nobody_listens():
    peer = Peer()
    peer.send(net.TCP_SYN, source=50_000, target=OWN_PORT)
    peer.wait()
    assert peer.flags == [net.TCP_RST | net.TCP_ACK]
    assert not peer.network.connections


def test_the_board_refuses():
    peer = Peer()
    connection = peer.network.connect(PORT)
    peer.peer_port = connection._own_port
    peer.send(net.TCP_RST | net.TCP_ACK)
    assert connection.was_reset and connection.is_closed
