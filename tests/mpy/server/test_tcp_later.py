"""Handlers that answer later (LATER): what a TCPServer does, and leaves, until they have."""

from time import ticks_diff, ticks_ms

from support.pdu import raw, request, words
from support.tcp import Bench, Keeper, frame
from support.umb import Told

from umb.server import LATER, Server
from umb.store import Store


def test_link_of_a_request():
    keeper, came = Keeper(), Told()
    with Bench(keeper, on_connect=came) as bench:
        bench.client().send(frame(b"\3\0\0\0\1", 17))
        bench.rest()
        adu, n, link = keeper.kept[0]
        assert n == 5 and adu[6] == 17 and len(adu) == 262
        assert link.serial is False and link.gone is False and link.listen_only is False
        assert link.counters is bench.tcp.counters
        assert (link.peer,) == came.calls[0]


def test_answer_comes_when_it_comes():
    keeper = Keeper()
    with Bench(keeper) as bench:
        client = bench.client()
        client.send(frame(b"\3\0\0\0\1", 17, 0xBEEF))
        assert client.quiet() and bench.answered == 0
        keeper.answer(b"\3\2\0\5")
        assert client.frame() == (0xBEEF, 17, b"\3\2\0\5")
        assert bench.rest() == 1, "poll() counts it"


def test_what_is_not_answered_is_not_counted():
    """Nothing is answered to a broadcast behind a gateway, at once or later. Its client stays."""
    keeper = Keeper()
    with Bench(keeper) as bench:
        client = bench.client()
        for i in range(5):
            client.send(frame(request(6, i, i), 0, i))
            bench.until(lambda: keeper.kept, "no request")
            keeper.kept.pop()[2].answer(0)
            assert bench.rest() == 0
        client.send(frame(request(6, 1, 2), 1, 9))
        bench.until(lambda: keeper.kept, "no request")
        keeper.answer(request(6, 1, 2))
        assert client.frame() == (9, 1, request(6, 1, 2)) and bench.rest() == 1
    silent = Server(Store(holding_registers=9))
    silent.handle = lambda _adu, _n, _link: 0
    with Bench(silent) as bench:
        client = bench.client()
        client.send(frame(request(6, 1, 2), 0, 7))
        assert client.quiet() and bench.rest() == 0


def test_requests_wait_for_the_one_before():
    keeper = Keeper()
    with Bench(keeper) as bench:
        client = bench.client()
        client.send(b"".join(frame(request(6, i, i), 1, i) for i in range(10)))
        for i in range(10):
            bench.until(lambda: keeper.kept, "no request")
            bench.rest(5)
            assert keeper.pdus() == [request(6, i, i)], i
            keeper.answer(request(6, i, i + 100))
        for i in range(10):
            assert client.frame() == (i, 1, request(6, i, i + 100))
        assert client.quiet()


def test_nothing_is_read_into_a_kept_buffer():
    keeper = Keeper()
    with Bench(keeper) as bench:
        client = bench.client()
        client.send(frame(request(6, 1, 2), 1, 7) + frame(request(6, 3, 4), 1, 8)[:9])
        bench.rest()
        adu = keeper.kept[0][0]
        before = bytes(adu)
        client.send(frame(request(6, 3, 4), 1, 8)[9:] + b"\xff" * 100)
        bench.rest()
        assert bytes(adu) == before and len(keeper.kept) == 1
        keeper.answer(b"\x86\6")
        assert client.frame() == (7, 1, b"\x86\6")
        bench.until(lambda: keeper.kept, "second request")
        assert keeper.pdus() == [request(6, 3, 4)]


def test_poll_sleeps_while_a_request_is_kept():
    with Bench(Keeper()) as bench:
        client = bench.client()
        client.send(frame(request(6, 1, 1)) * 2)
        bench.rest()
        start_ms = ticks_ms()
        assert bench.tcp.poll(60) == 0
        assert ticks_diff(ticks_ms(), start_ms) >= 50, "the request that waits wakes it"


def test_others_are_served_meanwhile():
    class Mixed(Keeper):
        server = Server(Store(holding_registers=1))

        def handle(self, adu, n, link):
            if adu[6] == 1:
                return self.server.handle(adu, n, link)
            return super().handle(adu, n, link)

    keeper = Mixed()
    with Bench(keeper) as bench:
        first, second, third = bench.client(), bench.client(), bench.client()
        first.send(frame(b"\3\0\0\0\1", 2))
        second.send(frame(b"\3\0\0\0\1", 2))
        for _ in range(5):
            assert third.ask(b"\3\0\0\0\1") == raw("03 02 0000")
        keeper.answer(b"\3\2\0\2", 1)
        assert second.frame() == (1, 2, b"\3\2\0\2")
        assert first.quiet()
        keeper.answer(b"\3\2\0\1")
        assert first.frame() == (1, 2, b"\3\2\0\1")


def test_answer_from_within_another_request():
    class Relay(Keeper):
        """The second client's request answers the first one's, as a gateway might."""

        def handle(self, adu, n, link):
            if adu[6] == 2:
                return super().handle(adu, n, link)
            self.answer(b"\3\2\0\7")
            return 5

    with Bench(Relay()) as bench:
        first, second = bench.client(), bench.client()
        first.send(frame(b"\3\0\0\0\1", 2))
        bench.rest()
        assert second.ask(request(6, 0, 1)) == request(6, 0, 1)
        assert first.frame() == (1, 2, b"\3\2\0\7")
        bench.rest()
        assert bench.answered == 2


def test_no_answer():
    class Mute(Keeper):
        def handle(self, adu, n, link):
            return super().handle(adu, n, link) if adu[7] == 6 else 0

    keeper = Mute()
    with Bench(keeper) as bench:
        client = bench.client()
        client.send(frame(b"\3\0\0\0\1") + frame(request(6, 1, 1), 1, 9))
        assert client.quiet()
        keeper.answer(b"")
        client.send(frame(request(6, 2, 2), 1, 10))
        assert client.quiet()
        keeper.answer(request(6, 2, 2))
        assert client.frame() == (10, 1, request(6, 2, 2))


def test_largest_answer_leaves_whole():
    keeper = Keeper()
    with Bench(keeper) as bench:
        client = bench.client()
        client.send(frame(b"\3\0\0\0\x7d"))
        bench.rest()
        pdu = b"\3\xfa" + words(*range(125))
        keeper.answer(pdu)
        assert client.frame() == (1, 1, pdu)


def vanish(bench, keeper, went):
    """A client whose request is kept, and which is gone."""
    client = bench.client()
    client.send(frame(request(6, 1, 1)))
    bench.until(lambda: keeper.kept, "no request")
    adu, _, link = keeper.kept[0]
    before = bytes(adu)
    client.reset()
    bench.until(lambda: link.gone, "the link does not say that it is gone")
    assert len(went.calls) == 1
    return adu, before


def test_client_vanishes_meanwhile():
    keeper, went = Keeper(), Told()
    with Bench(keeper, max_clients=1, on_disconnect=went) as bench:
        adu, before = vanish(bench, keeper, went)
        other = bench.client()
        if not other.quiet():  # nobody can be served as long as the only buffer is kept
            other = None
        assert bytes(adu) == before, "the buffer was used again"
        assert bench.rest() == 0 and len(keeper.kept) == 1
        keeper.answer(b"\x86\6")
        assert bench.rest() == 0, "an answer to nobody was counted"
        other = other or bench.client()
        other.send(frame(request(6, 2, 2), 1, 2))
        bench.until(lambda: keeper.kept, "no request")
        keeper.answer(request(6, 2, 2))
        assert other.frame() == (2, 1, request(6, 2, 2))


def test_vanished_client_leaves_the_others_alone():
    keeper, went = Keeper(), Told()
    with Bench(keeper, max_clients=2, on_disconnect=went) as bench:
        adu, before = vanish(bench, keeper, went)
        for i in range(3):
            client = bench.client()
            client.send(frame(request(6, i, i)))
            bench.until(lambda: len(keeper.kept) == 2, "no request")
            assert keeper.kept[1][0] is not adu, "the buffer was used again"
            keeper.answer(request(6, i, i), 1)
            assert client.frame() == (1, 1, request(6, i, i))
            client.close()
            bench.rest(5)
        assert bytes(adu) == before
        client = bench.client()
        keeper.answer(b"\x86\6")
        assert client.quiet()


def test_kept_requests_do_not_time_out_and_make_no_room():
    keeper, went = Keeper(), Told()
    with Bench(keeper, max_clients=2, idle_timeout_ms=300, on_disconnect=went) as bench:
        clients = [bench.client(), bench.client()]
        for client in clients:
            client.send(frame(request(6, 1, 1)))
        bench.until(lambda: len(keeper.kept) == 2, "no requests")
        bench.client()
        bench.rest(700)
        assert went.calls == []
        keeper.answer(request(6, 1, 1), 1)
        keeper.answer(request(6, 1, 1), 0)
        for client in clients:
            assert client.frame() == (1, 1, request(6, 1, 1))


def test_answer_after_server_close():
    keeper = Keeper()
    with Bench(keeper) as bench:
        client = bench.client()
        client.send(frame(request(6, 1, 1)))
        bench.until(lambda: keeper.kept, "no request")
        bench.tcp.server_close()
        assert keeper.kept[0][2].gone
        keeper.answer(request(6, 1, 1))
        assert client.closed()


def test_later_is_a_number_that_is_no_length():
    assert LATER == -1
