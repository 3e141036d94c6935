"""A Gateway behind a TCPServer, over real sockets: its clients' order, ids, comings and goings."""

from support.gateway import Asker, bench  # comes first: by the clock of support.uart

import support.tcp
from support.bus import Bus, answer
from support.pdu import raw, request, words
from support.tcp import frame
from support.uart import clock

from umb.server import Server
from umb.store import Store

READ = request(3, 100, 2)
LOCAL = 100  # the slave id that is served here


class Net(support.tcp.Bench):
    """`with Net() as net`: clients of a TCPServer, a Gateway, a line whose slave 9 is absent."""

    def __init__(self, **options):
        store = Store(holding_registers=200)
        self.line = bench(bus=Bus(absent=(9,)), local=Server(store, (LOCAL,)), **options)
        self.asked = self.line.buses[0].asked
        super().__init__(self.line.gateway, max_clients=6)

    def poll(self, wait_ms=0):
        done = super().poll()  # time passes here, it is not slept through
        self.line.poll()
        clock.now_ns += 100_000
        return done


def test_transaction_ids_are_kept():
    with Net() as net:
        clients = [net.client() for _ in range(3)]
        for i in range(3):
            clients[i].send(frame(READ, 1 + i, 0xA500 + i))
        for i in range(3):
            assert clients[i].frame() == (0xA500 + i, 1 + i, answer(1 + i, READ))
        clients[0].send(frame(READ, 9, 0xFFFF))
        assert clients[0].frame() == (0xFFFF, 9, raw("83 0b"))
        clients[0].send(frame(READ, 255, 0x0100) + frame(READ, 250, 7))
        assert clients[0].frame() == (0x0100, 255, raw("03 04 0000 0000"))
        assert clients[0].frame() == (7, 250, raw("83 0a"))


def test_each_client_is_answered_in_order():
    """What is served here waits for what its client asked before."""
    with Net() as net:
        client = net.client()
        ids = [1, LOCAL, 9, LOCAL, 2, 250, 1]
        client.send(b"".join(frame(request(3, i, 1), ids[i], i) for i in range(7)))
        for i in range(7):
            transaction, slave_id, pdu = client.frame()
            assert (transaction, slave_id) == (i, ids[i])
            if ids[i] in (1, 2):
                assert pdu == answer(ids[i], request(3, i, 1))
        assert client.quiet()


def test_local_ids_are_answered_while_the_line_is_busy():
    with Net() as net:
        first, second = net.client(), net.client()
        first.send(frame(READ, 9, 1))
        net.rest(5)
        begin_us = clock.now_us()
        for i in range(10):
            assert second.ask(request(6, 0, i), LOCAL) == request(6, 0, i)
        assert clock.now_us() - begin_us < 50_000, "5 ms each"
        assert first.quiet()
        assert first.frame() == (1, 9, raw("83 0b"))


def test_clients_take_turns():
    """One sends all it has at once, the others one by one: it does not get more of the line."""
    with Net() as net:
        greedy, modest = net.client(), net.client()
        greedy.send(b"".join(frame(READ, 1, i) for i in range(20)))
        for _ in range(10):
            modest.ask(READ, 2)
        asked = [slave_id for slave_id, _ in net.asked]
        assert 9 <= asked.count(1) <= 11, asked


def test_a_broadcast_has_no_answer():
    with Net() as net:
        client = net.client()
        client.send(frame(request(6, 1, 2), 0, 1))
        client.send(frame(READ, 1, 2))
        assert client.frame() == (2, 1, answer(1, READ))
        assert client.quiet()
        assert net.asked == [(0, request(6, 1, 2)), (1, READ)]


def test_more_clients_than_the_queue_takes():
    with Net(queue=2) as net:
        clients = [net.client() for _ in range(4)]
        for client in clients:
            client.send(frame(READ, 1))
        pdus = [client.frame()[2] for client in clients]
        assert sorted(pdus) == sorted([answer(1, READ)] * 2 + [raw("83 06")] * 2)


def test_who_vanishes_while_it_waits_is_not_asked_for():
    with Net() as net:
        first, second, third = [net.client() for _ in range(3)]
        first.send(frame(READ, 9))
        net.rest(5)
        second.send(frame(READ, 2))
        third.send(frame(READ, 3))
        net.rest(5)
        second.reset()
        assert third.frame() == (1, 3, answer(3, READ))
        assert [slave_id for slave_id, _ in net.asked] == [9, 3]
        assert net.client().ask(READ, 2) == answer(2, READ), "its place can be had again"


def test_who_vanishes_while_it_is_asked_for():
    with Net() as net:
        client = net.client()
        client.send(frame(READ, 9))
        net.rest(5)
        client.reset()
        other = net.client()
        assert other.ask(READ, 2) == answer(2, READ)
        assert other.quiet()
        net.line.is_clean()


def test_the_server_is_closed_while_requests_wait():
    with Net() as net:
        for slave_id in (9, 1, 2):
            net.client().send(frame(READ, slave_id))
        net.rest(5)
        net.tcp.server_close()
        net.line.run(150)
        assert [slave_id for slave_id, _ in net.asked] == [9]
        assert net.line.ask(Asker(), 1, READ) == answer(1, READ)


def test_a_broadcast_whose_hook_closes_the_server():
    """It is done on the line, too."""
    with Net() as net:
        store = net.line.gateway.server.stores[LOCAL]
        store.holding_registers.on_write = lambda *_: net.tcp.server_close()
        client = net.client()
        client.send(frame(request(6, 1, 2), 0))
        assert client.closed()
        net.line.run(150)
        assert net.asked == [(0, request(6, 1, 2))]
        assert net.line.ask(Asker(), 1, READ) == answer(1, READ)


def test_the_largest_requests_and_answers():
    with Net() as net:
        client = net.client()
        pdu = request(16, 0, 123) + b"\xf6" + words(*range(123))
        assert client.ask(pdu, 1) == request(16, 0, 123)
        assert client.ask(request(3, 0, 125), 1) == answer(1, request(3, 0, 125))
