"""The network that an emulated Pico W joins: DHCP, and TCP in both directions, in emulated time.

Nothing gets lost in it, but for what the board itself drops; that is sent again.
"""

import ipaddress
import itertools

from rp2040py.external.cyw43 import net
from rp2040py.external.cyw43.nat import GATEWAY_MAC, ArpResponder, DhcpServer

from .wire import MS

# Addresses of this machine too, so that what listens there can stand for the board: programs find
# it where the board says that it is.
BOARD = "127.0.0.2"  # the address that the board gets
HOST = "127.0.0.1"  # the address of what it talks to
_BOARD_IP, _HOST_IP = ipaddress.ip_address(BOARD).packed, ipaddress.ip_address(HOST).packed
_NUMBERS = 0xFFFFFFFF  # of bytes, modulo 2**32
_MOST_SEGMENT = 1460
_WINDOW = 65535
_AGAIN_NS = 300 * MS  # what is not acknowledged is sent again after so long
_FIRST_PORT = 49152


class Connection:
    """One end of a TCP connection with the board.

    received    what has come and was not taken yet, a bytearray
    is_open     whether it is established, and neither end has closed it
    is_closed   whether there is nothing more to come
    was_reset   whether the board has refused it, or broken it off
    on_change   called after each of these may have changed
    """

    def __init__(self, network, own_port, board_port):
        self._network, self._own_port, self._board_port = network, own_port, board_port
        self._alarm = network.clock.create_alarm(self._again)
        self._first = self._acknowledged = 1000  # numbers of own bytes; any will do
        self._wanted = 0  # the number of the board's next byte
        self._unacknowledged = bytearray()
        self._in_flight = 0  # of these
        self._window, self._segment = 0, 536
        self._greeted = False  # with SYN
        self._ends = self._end_sent = self._end_taken = self._board_ended = False
        self.received = bytearray()
        self.is_closed = self.was_reset = False
        self.on_change = lambda: None

    @property
    def is_open(self):
        return self._greeted and not (self.is_closed or self._board_ended or self._ends)

    # -- what programs call

    def connect(self):
        """Ask the board for the connection."""
        self._transmit(net.TCP_SYN, self._first, mss=_MOST_SEGMENT)
        self._alarm.schedule(_AGAIN_NS)

    def accept(self, segment):
        """Grant the connection that the board has asked for."""
        self._take_greeting(segment)
        self._transmit(net.TCP_SYN | net.TCP_ACK, self._first, mss=_MOST_SEGMENT)
        self._alarm.schedule(_AGAIN_NS)

    def send(self, data):
        self._unacknowledged += data
        self._push()

    def take(self):
        """Return what was received, and forget it."""
        data = bytes(self.received)
        self.received.clear()
        return data

    def close(self):
        """End the connection, after what is still to be sent."""
        self._ends = True
        self._push()

    def abort(self):
        """Break the connection off."""
        if not self.is_closed:
            self._transmit(net.TCP_RST | net.TCP_ACK, self._acknowledged + self._in_flight)
            self.forget()

    def forget(self):
        """Let go of it without a word, as a host does that loses its power."""
        self.is_closed = True
        self._alarm.cancel()
        self._network.connections.pop((self._own_port, self._board_port), None)
        self.on_change()

    # -- segments

    def _transmit(self, flags, number, payload=b"", mss=None):
        self._network.transmit(
            net.pack_tcp(
                _HOST_IP,
                _BOARD_IP,
                self._own_port,
                self._board_port,
                seq=number & _NUMBERS,
                ack=self._wanted if flags & net.TCP_ACK else 0,
                flags=flags,
                window=_WINDOW,
                payload=payload,
                mss=mss,
            )
        )

    def _push(self):
        """Send what the board has room for, and the end if that is all."""
        if not self._greeted or self.is_closed:
            return
        buffer = self._unacknowledged
        while self._in_flight < min(len(buffer), self._window):
            end = min(len(buffer), self._window, self._in_flight + self._segment)
            number = self._acknowledged + self._in_flight
            self._transmit(net.TCP_ACK | net.TCP_PSH, number, bytes(buffer[self._in_flight : end]))
            self._in_flight = end
        if self._ends and not self._end_sent and self._in_flight == len(buffer):
            self._end_sent = True
            self._transmit(net.TCP_FIN | net.TCP_ACK, self._acknowledged + self._in_flight)
        if buffer or (self._end_sent and not self._end_taken):
            self._alarm.schedule(_AGAIN_NS)

    def _again(self):
        """Send again what was not acknowledged, and more when there is no room for it."""
        if not self._greeted:
            flags = net.TCP_SYN | (net.TCP_ACK if self._wanted else 0)
            self._transmit(flags, self._first, mss=_MOST_SEGMENT)
            self._alarm.schedule(_AGAIN_NS)
            return
        self._in_flight = 0
        self._end_sent = self._end_taken
        self._push()

    def take_segment(self, segment):
        """Take a segment of the board."""
        if segment.flags & net.TCP_RST:
            self.was_reset = True
            self.forget()
            return
        if not self._greeted and not self._take_answer(segment):
            return
        self._take_acknowledgement(segment)
        news = bool(segment.payload or segment.flags & net.TCP_FIN)
        if segment.payload and segment.seq == self._wanted:
            self._wanted = self._wanted + len(segment.payload) & _NUMBERS
            self.received += segment.payload
        end = segment.seq + len(segment.payload) & _NUMBERS
        if segment.flags & net.TCP_FIN and end == self._wanted and not self._board_ended:
            self._wanted = self._wanted + 1 & _NUMBERS
            self._board_ended = True
        if news:
            self._transmit(net.TCP_ACK, self._acknowledged + self._in_flight + self._end_sent)
        if self._board_ended and self._end_taken:
            self.forget()
            return
        self.on_change()
        self._push()

    @property
    def board_has_ended(self):
        """Whether the board has closed its end: nothing more comes."""
        return self._board_ended or self.is_closed

    def _take_greeting(self, segment):
        self._wanted = segment.seq + 1 & _NUMBERS
        self._segment = min(segment.mss or self._segment, _MOST_SEGMENT)
        self._window = segment.window

    def _take_answer(self, segment):
        """Take what establishes the connection. Returns whether this is it."""
        if segment.flags & net.TCP_SYN:
            if not segment.flags & net.TCP_ACK:
                return False  # the board's own SYN once more; _again() answers it
            self._take_greeting(segment)
            self._transmit(net.TCP_ACK, self._first + 1)
        elif not segment.flags & net.TCP_ACK:
            return False
        self._greeted = True
        self._acknowledged = self._first + 1
        self._alarm.cancel()
        return True

    def _take_acknowledgement(self, segment):
        if not segment.flags & net.TCP_ACK:
            return
        self._window = segment.window
        taken = segment.ack - self._acknowledged & _NUMBERS
        whole = self._in_flight + self._end_sent
        if not 0 < taken <= whole:
            return
        if self._end_sent and taken == whole:
            self._end_taken = True
            taken -= 1
        del self._unacknowledged[:taken]
        self._in_flight -= taken
        self._acknowledged += taken
        if not self._unacknowledged and (self._end_taken or not self._end_sent):
            self._alarm.cancel()


class Network:
    """What is behind the access point: it gives the board its address, BOARD, and is HOST itself.

    on_connect(port) is asked when the board wants to connect to a port of HOST. It returns a
    function that takes the Connection, or None: it is refused.
    """

    def __init__(self, pico):
        self.clock, self._radio = pico.clock, pico.radio
        self._radio.on_frame, self._radio.on_leave = self._take, self._lost
        self._responder = ArpResponder(gateway_ip=_HOST_IP)
        self._lease = DhcpServer(guest_ip=_BOARD_IP, gateway_ip=_HOST_IP)
        self._board_mac = b"\xff" * 6
        self._ports = itertools.count(_FIRST_PORT)
        self.connections = {}  # (own port, board's port): Connection
        self.on_connect = lambda _port: None

    def connect(self, port):
        """Return a Connection to a port of the board, as soon as that one grants it."""
        connection = Connection(self, next(self._ports), port)
        self.connections[connection._own_port, port] = connection
        connection.connect()
        return connection

    def transmit(self, segment):
        """Send a TCP segment to the board."""
        packet = net.pack_ipv4(_HOST_IP, _BOARD_IP, net.IP_PROTO_TCP, segment)
        self._radio.deliver(
            net.pack_ethernet(self._board_mac, GATEWAY_MAC, net.ETHERTYPE_IPV4, packet)
        )

    def _lost(self):
        """The board has left: what it had open is forgotten."""
        for connection in list(self.connections.values()):
            connection.was_reset = True
            connection.forget()

    def _take(self, frame):
        ethernet = net.parse_ethernet(frame)
        self._board_mac = ethernet.src_mac
        answer = self._responder.maybe_handle(ethernet) or self._lease.maybe_handle(ethernet)
        if answer:
            self._radio.deliver(answer)
        elif ethernet.ethertype == net.ETHERTYPE_IPV4:
            packet = net.parse_ipv4(ethernet.payload)
            if packet and packet.proto == net.IP_PROTO_TCP and packet.dst_ip == _HOST_IP:
                self._take_segment(net.parse_tcp(packet.payload))

    def _take_segment(self, segment):
        key = segment.dst_port, segment.src_port
        if key in self.connections:
            self.connections[key].take_segment(segment)
        elif segment.flags & (net.TCP_SYN | net.TCP_ACK) == net.TCP_SYN:
            take = self.on_connect(segment.dst_port)
            connection = Connection(self, *key)
            if take is None:
                connection._take_greeting(segment)
                connection.abort()
                return
            self.connections[key] = connection
            take(connection)
            connection.accept(segment)
