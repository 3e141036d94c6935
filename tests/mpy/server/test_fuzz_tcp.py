"""Random input of all kinds: nothing may crash, block, leak or answer nonsense."""

import random

from support.heap import kept
from support.model import Model, damaged, random_bytes, random_request, store_like_model
from support.pdu import Link, ask, request, shown, words
from support.tcp import Bench, frame
from support.umb import Told

from umb.server import Server

_GOOD = request(3, 0, 1)


def sensible(pdu, got):
    """Is this a response that a client could make something of?"""
    if got[0] != pdu[0] or pdu[0] & 0x80:
        return got[0] == pdu[0] | 0x80 and len(got) == 2 and got[1] in (1, 2, 3)
    if pdu[0] < 5 or pdu[0] == 23:
        return got[1] == len(got) - 2
    return got == pdu[: 7 if pdu[0] == 22 else 5]


def test_random_pdus():
    random.seed(50)
    told = Told()
    server = Server(store_like_model(), on_error=told)
    for _ in range(10_000):
        pdu = random_bytes(random.randint(1, random.choice((1, 2, 5, 6, 12, 253))))
        got = ask(server, pdu)
        assert sensible(pdu, got), "{}: {}".format(shown(pdu), shown(got))
    assert told.calls == [], told.calls


def test_random_slave_ids_and_links():
    random.seed(51)
    server = Server(store_like_model(), slave_ids=(1, 7))
    links = (Link(), Link(serial=True))
    for _ in range(3000):
        pdu, slave_id, link = random_request(), random.getrandbits(8), random.choice(links)
        got = ask(server, pdu, slave_id, link)
        served = slave_id in (1, 7) or (slave_id in (0, 255) and not link.serial)
        if served:
            assert sensible(pdu, got), shown(pdu)
        else:
            nobody = None if link.serial else bytes((pdu[0] | 0x80, 11))
            assert got == nobody, (slave_id, link.serial, shown(pdu))


def test_random_requests_over_tcp_match_the_model():
    random.seed(52)
    model = Model()
    with Bench(Server(store_like_model())) as bench:
        clients = [bench.client() for _ in range(3)]
        for i in range(1000):
            pdu = random_request()
            got = random.choice(clients).ask(pdu, transaction=i)
            wanted = model.answer(pdu)
            assert got == wanted, "{}: {}, not {}".format(shown(pdu), shown(got), shown(wanted))


def nonsense():
    """Bytes that are a frame, nearly one, or not one at all."""
    kind = random.getrandbits(2)
    if kind == 0:
        return random_bytes(random.randint(1, 300))
    if kind == 1:  # a good header
        return frame(random_bytes(random.randint(1, 253)), random.getrandbits(8))
    if kind == 2:  # a good header, a length that lies
        pdu = random_bytes(random.randint(1, 30))
        return words(1, 0, random.randint(0, 260)) + b"\1" + pdu
    return damaged(frame(random_request()))


def sling(bench):
    """Nonsense from clients that come and go, whole and in pieces, never read."""
    clients = [bench.client() for _ in range(3)]
    for _ in range(1500):
        i = random.randint(0, 2)
        data = nonsense()
        cut = random.randint(0, len(data))
        try:
            clients[i].sock.write(data[:cut])
            bench.poll()
            clients[i].sock.write(data[cut:])
        except OSError:  # closed by the server
            clients[i].close()
            clients[i] = bench.client()
        bench.poll()
    for client in clients:
        client.close()
    bench.rest()


def test_random_bytes_over_tcp():
    random.seed(53)
    told = Told()
    went = [0]

    def count(_peer):
        went[0] += 1

    server = Server(store_like_model(), on_error=told)
    with Bench(server, on_disconnect=count) as bench:
        sling(bench)
        n = min(kept(sling, bench), kept(sling, bench))  # what stays once may be a stale pointer
        assert n <= 256, "{} bytes".format(n)
        assert went[0] > 100, "only {} connections were closed".format(went[0])
        assert told.calls == [], told.calls
        for _ in range(4):  # no slot is stuck
            assert len(bench.client().ask(_GOOD)) == 4
