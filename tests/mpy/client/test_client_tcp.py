"""TCPClient's connection in every state: time-outs, back-off, second tries, clocks that wrap."""

from support.net import (  # comes first: the clock of support.uart
    DAY_MS,
    HOST,
    PORT,
    clock,
    closing,
    frame,
    good,
    in_turn,
    is_whole,
    net,
    now_ms,
    outcome,
    registers,
    silent,
)

import errno

from support.umb import raises

from umb.client.forward import Forwarder
from umb.client.status import PENDING
from umb.client.tcp import TCPClient
from umb.errors import NoConnectionError, NoReplyError
from umb.frame.ascii import ASCII
from umb.frame.mbap import MBAP
from umb.frame.rtu import RTU
from umb.frame.rtu_stream import RTUStream

_IDLE_MS = [6 * DAY_MS, 62 * DAY_MS // 10, 63 * DAY_MS // 10, 9 * DAY_MS, 12 * DAY_MS]


def client_of(server=None, **options):
    """A client, on a network that has just been set up."""
    net.reset()
    net.server = server
    return TCPClient((HOST, PORT), **options)


def read(client, address=10):
    return outcome(lambda: client.read_holding_registers(1, address, 2))


def rest(duration_ms):
    clock.now_ns += duration_ms * 1_000_000


# --- arguments


def test_addresses():
    for address in (
        HOST,
        (HOST,),
        (HOST, "502"),
        (HOST, 0),
        (HOST, -1),
        (HOST, 65536),
        (HOST, 502.0),
        (HOST, None),
        ("", 502),
        (None, 502),
        (b"10.0.0.5", 502),
        (HOST, 502, 0),
        (502, HOST),
        None,
        502,
        {HOST: 502},
    ):
        error = raises(ValueError, TCPClient, address)
        sentence = 'address must be (host, port), as in ("10.0.0.5", 502), not %r' % (address,)
        assert str(error) == sentence, error
    for address in ((HOST, 1), [HOST, 65535], ("meter.local", 502)):
        assert not TCPClient(address).connected


def test_times_and_retries():
    for timeout_ms in (0, -1, 0.5, 1000.0, "1000", None, 1 << 29):
        error = raises(ValueError, TCPClient, (HOST, PORT), timeout_ms=timeout_ms)
        sentence = "timeout_ms must be 1..536870911, not %r" % (timeout_ms,)
        assert str(error) == sentence
    for retries in (-1, 1.0, "3", None):
        error = raises(ValueError, TCPClient, (HOST, PORT), retries=retries)
        assert str(error) == "retries must be 0..536870911, not %r" % (retries,)


def test_framers():
    for framer in ("rtu", "mbap", None, 1, MBAP(), RTU, ASCII):
        assert "framer" in str(raises(ValueError, TCPClient, (HOST, PORT), framer=framer))
    for echo in (True, False):
        assert "echo" in str(raises(ValueError, TCPClient, (HOST, PORT), echo=echo))


# --- the connection


def test_connected():
    client = client_of(good())
    net.accept_ms = 20
    assert not client.connected
    assert read(client) == ([10, 11], 25)
    assert client.connected
    client.close()
    assert not client.connected and net.open_socks() == 0
    client.close()
    assert read(client) == ([10, 11], 25)
    assert len(net.socks) == 2


def test_connect():
    """Connects now, sends nothing, and once."""
    for options in ({}, {"framer": RTUStream}):
        client = client_of(good(), **options)
        net.accept_ms = 20
        for took_ms in (20, 0):
            assert outcome(client.connect) == (None, took_ms)
            assert client.connected and len(net.socks) == 1
            assert net.socks[0].requests == [] and net.socks[0].asked() == b""
    client = client_of(good())
    client.connect()
    assert read(client) == ([10, 11], 5)
    assert len(net.socks) == 1


def test_connect_again():
    client = client_of(good())
    client.connect()
    net.socks[0].end(0)
    client.connect()
    assert client.connected and len(net.socks) == 2 and net.open_socks() == 1
    net.socks[1].end(0)
    assert read(client)[0] == [10, 11], "a server that hung up while nobody looked"


def test_connect_in_vain():
    for refuse, accept_ms, took_ms, why in (
        (errno.ECONNREFUSED, 0, 0, "refused"),
        ("late", 30, 30, "refused"),
        (None, None, 300, "timed out"),
        (-2, 0, 0, "no such host"),
        ("[addrinfo error -2]", 0, 0, "no such host"),
        (errno.EHOSTUNREACH, 0, 0, "the host cannot be reached"),
        (101, 0, 0, "there is no network that leads to it"),
        (errno.EACCES, 0, 0, "EACCES"),
        (250, 0, 0, "error 250"),
    ):
        client = client_of(good(), timeout_ms=300)
        net.refuse, net.accept_ms = refuse, accept_ms
        for wait_ms in (0, 100, 200):
            before_ms = now_ms()
            error = raises(NoConnectionError, client.connect)
            assert str(error).startswith("no connection to 10.0.0.5:502: " + why), error
            assert now_ms() - before_ms - took_ms <= wait_ms
            assert not client.connected and net.open_socks() == 0
        net.refuse, net.accept_ms = None, 0
        rest(1000)
        client.connect()
        assert client.connected


def test_why_a_connection_is_lost():
    for server, why in (
        (closing(5), "the other side closed it"),
        (closing(5, error=errno.ECONNRESET), "the other side closed it"),
    ):
        client = client_of(server)
        error = raises(NoConnectionError, client.read_holding_registers, 1, 10, 2)
        wanted = "no connection to 10.0.0.5:502: %s, the next attempt is due in " % why
        assert str(error).startswith(wanted), error
        error = raises(NoConnectionError, client_waits, client)
        assert str(error).startswith(wanted), "the reason is that of the last attempt"


def client_waits(client):
    """A call whose time is up before the client may try to connect again."""
    client.timeout_ms = 10
    client.connect()


def test_connect_tries_again():
    client = client_of(good(), retries=2)
    net.refuse = errno.ECONNREFUSED
    assert outcome(client.connect) == ("NoConnectionError", 300)
    assert net.attempts_ms == [0, 100, 300]


def test_context_manager():
    client = client_of(good())
    with client as same:
        assert same is client and client.connected and len(net.socks) == 1
        assert read(client) == ([10, 11], 5)
    assert not client.connected and net.open_socks() == 0
    with client:
        pass
    assert net.open_socks() == 0
    net.refuse = errno.ECONNREFUSED
    raises(NoConnectionError, client.__enter__)


def test_a_context_is_left_by_an_error():
    client = client_of(silent, timeout_ms=50)
    try:
        with client:
            client.read_coils(1, 0, 1)
    except NoReplyError:
        pass
    assert net.open_socks() == 0 and not client.connected


def test_a_connection_that_takes_long():
    """The time for it and the time for the reply are timeout_ms each."""
    client = client_of(good(900), timeout_ms=1000)
    net.accept_ms = 900
    assert read(client) == ([10, 11], 1800)


def test_nobody_accepts():
    client = client_of(good(), timeout_ms=1000)
    net.accept_ms = None
    assert read(client) == ("NoConnectionError", 1000)
    assert net.open_socks() == 0 and not client.connected
    net.accept_ms = 0
    assert read(client) == ([10, 11], 5)


def test_refused():
    for refuse, accept_ms in ((errno.ECONNREFUSED, 0), ("late", 30), (-2, 0)):
        client = client_of(good(), timeout_ms=1000)
        net.refuse, net.accept_ms = refuse, accept_ms
        assert read(client) == ("NoConnectionError", accept_ms)
        assert net.open_socks() == 0 and not client.connected
        net.refuse = None
        assert read(client)[0] == [10, 11]


def test_a_request_that_the_network_does_not_take():
    for room in (0, 1, 5):
        client = client_of(good(), timeout_ms=200)
        net.room = room
        got, took_ms = read(client)
        assert got == ("NoConnectionError" if room == 0 else [10, 11])
        assert took_ms == (200 if room == 0 else 5)


# --- a time-out


def test_a_connection_that_hangs_is_given_up():
    """Nothing came on it until the time-out: the next try has a new one."""
    for retries in (0, 1):
        client = client_of(in_turn(silent, good()), timeout_ms=300, retries=retries)
        if not retries:
            assert read(client) == ("NoReplyError", 300)
            assert net.open_socks() == 0
        assert read(client) == ([10, 11], 305 if retries else 5)
        assert len(net.socks) == 2 and net.open_socks() == 1


def test_a_connection_that_hangs_after_it_was_used():
    def then_silent(sock, data):
        return silent(sock, data) if len(sock.requests) == 3 else good()(sock, data)

    client = client_of(then_silent, timeout_ms=300)
    for _ in range(5):
        for _ in range(3):
            assert read(client)[0] == [10, 11]
        assert read(client) == ("NoReplyError", 300)
    assert len(net.socks) == 5 and net.open_socks() == 0


def test_a_connection_on_which_something_comes_is_kept():
    """Late replies to others, say: it lives."""

    def to_others(sock, data):
        if not is_whole(data):
            return False
        sock.say(5, frame(data, b"\x83\x0b", transaction=0x7777))
        return True

    client = client_of(to_others, timeout_ms=300)
    for _ in range(3):
        assert read(client) == ("BadReplyError", 300)
    net.server = good()
    assert read(client) == ([10, 11], 5)
    assert len(net.socks) == 1


def test_half_a_reply():
    for n in range(1, 13):

        def cut(sock, data, n=n):
            if not is_whole(data):
                return False
            sock.say(5, frame(data, registers(data[7:]))[:n])
            return True

        client = client_of(in_turn(cut, good()), timeout_ms=300)
        assert read(client) == ("BadReplyError", 300)
        assert net.open_socks() == 0
        assert read(client) == ([10, 11], 5)


def test_absent_slaves_do_not_keep_others_waiting():
    """Behind one server, most of which have nobody to answer: no back-off grows."""

    def only_slave_9(sock, data):
        return good()(sock, data) if is_whole(data) and data[6] == 9 else is_whole(data)

    client = client_of(only_slave_9, timeout_ms=200)
    for slave_id in range(1, 9):
        call = lambda i=slave_id: client.read_holding_registers(i, 0, 1)  # noqa: E731
        assert outcome(call) == ("NoReplyError", 200)
    assert outcome(lambda: client.read_holding_registers(9, 0, 1)) == ([0], 5)


def test_time_outs_are_no_shorter_than_100_ms_apart():
    client = client_of(silent, timeout_ms=60, retries=20)
    assert read(client)[0] == "NoReplyError"
    assert net.attempts_ms == [100 * i for i in range(21)]


# --- a second try, for nothing


def test_a_server_that_closes_after_each_reply():
    """However late it does: while nobody looks, while a request is on its way, and after it."""
    for delay_ms in (0, 1, 5, 10, 11, 15, 20):

        def serve(sock, data, delay_ms=delay_ms):
            if not good()(sock, data):
                return False
            sock.end(5 + delay_ms)
            return True

        for pause_ms in (0, 3, 10, 50):
            client = client_of(serve, timeout_ms=1000)
            for i in range(20):
                assert read(client, i)[0] == [i, i + 1], (delay_ms, pause_ms, i)
                rest(pause_ms)


def test_the_second_try_is_one():
    for error in (0, errno.ECONNRESET):
        client = client_of(good())
        assert read(client)[0] == [10, 11]
        net.server = closing(5, error=error)
        assert read(client)[0] == "NoConnectionError"
        assert len(net.socks) == 2 and net.open_socks() == 0
        assert [len(sock.requests) for sock in net.socks] == [2, 1]


def test_no_second_try_on_a_new_connection():
    client = client_of(closing(5))
    assert read(client)[0] == "NoConnectionError"
    assert len(net.socks) == 1


def test_no_second_try_once_a_byte_has_come():
    client = client_of(good())
    for before in (b"\0", b"\0\1\0\0\0\3\1", frame(b"\x77\x77\0\0\0\0\1", b"\x83\2")):
        assert read(client)[0] == [10, 11]
        net.server = closing(5, before)
        assert read(client)[0] == "NoConnectionError"
        net.server = good()


def test_the_second_try_comes_before_retries():
    client = client_of(good(), retries=1)
    assert read(client)[0] == [10, 11]
    net.server = in_turn(closing(5), closing(5), good())
    assert read(client)[0] == [10, 11]
    assert [len(sock.requests) for sock in net.socks] == [2, 1, 1]


def test_the_second_try_sends_the_same():
    client = client_of(good())
    for room in (1000, 4):
        net.room = room
        assert outcome(lambda: client.write_single_register(7, 3, 0x1234))[0] == 0x1234
        net.server = in_turn(*[closing(5)] * len(net.socks), good())
        assert outcome(lambda: client.write_single_register(7, 3, 0x4321))[0] == 0x4321
        lost, new = net.socks[-2].requests[-1], net.socks[-1].requests[-1]
        assert lost[6:] == new[6:] == b"\7\6\0\3\x43\x21"
        net.server = good()


# --- back-off


def test_back_off():
    """None before the first attempt, then 100 ms, doubling to 10 s."""
    for how in (errno.ECONNREFUSED, "late", "closes", "resets"):
        client = client_of(closing(0, error=0 if how == "closes" else errno.ECONNRESET))
        client.timeout_ms = 20_000
        net.refuse = None if how in ("closes", "resets") else how
        for _ in range(11):
            assert read(client)[0] == "NoConnectionError"
        gaps_ms = [b - a for a, b in zip(net.attempts_ms, net.attempts_ms[1:])]
        assert net.attempts_ms[0] == 0
        assert gaps_ms == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000], how


def test_retries_wait_too():
    client = client_of(closing(), timeout_ms=1000, retries=3)
    assert read(client) == ("NoConnectionError", 700)
    assert net.attempts_ms == [0, 100, 300, 700]


def test_a_call_waits_no_longer_than_its_time_out():
    """And says why it failed."""
    client = client_of(closing(), timeout_ms=1000)
    while net.attempts_ms[-1:] != [12_700]:
        before_ms = now_ms()
        error = raises(NoConnectionError, client.read_coils, 1, 0, 1)
        assert now_ms() - before_ms <= 1000
    assert net.attempts_ms == [0, 100, 300, 700, 1500, 3100, 6300, 12_700]
    for left_ms in (9000, 8000, 7000):
        error = raises(NoConnectionError, client.read_coils, 1, 0, 1)
        assert "next attempt is due in %d ms" % left_ms in str(error), error
        assert "10.0.0.5:502" in str(error), error
    assert len(net.attempts_ms) == 8


def test_a_loop_makes_few_connections():
    client = client_of(closing(), timeout_ms=100)
    while now_ms() < 60_000:
        assert read(client)[0] == "NoConnectionError"
    assert len(net.attempts_ms) == 12, net.attempts_ms


def test_an_answer_ends_it():
    client = client_of(closing(), timeout_ms=20_000)
    for _ in range(5):
        read(client)
    net.server = good()
    assert read(client)[0] == [10, 11]
    client.close()
    for gap_ms in (0, 100, 200):
        net.server = closing()
        before_ms = now_ms()
        assert read(client)[0] == "NoConnectionError"
        assert net.attempts_ms[-1] - before_ms == gap_ms


def test_a_connection_that_the_program_ends_does_not_add_to_it():
    """Neither close() nor giving up a call tells of a server that is not well."""

    class Stopped(TCPClient):
        def wait(self):
            if self.connected:
                raise KeyboardInterrupt
            return TCPClient.wait(self)

    def close(client):
        client.connect()
        client.close()

    def give_up(client):
        raises(KeyboardInterrupt, read, client)

    for end in (close, give_up):
        for framer in (RTUStream,) if end is give_up else (MBAP, RTUStream):
            net.reset()
            net.server = lambda *_: False  # connected, and silent
            client = (TCPClient if end is close else Stopped)((HOST, PORT), framer=framer)
            client.timeout_ms = 150
            for _ in range(10):
                end(client)
                assert not client.connected
            gaps_ms = [b - a for a, b in zip(net.attempts_ms, net.attempts_ms[1:])]
            assert gaps_ms == [100] * 9, gaps_ms


def test_an_exception_is_an_answer_too():
    def refusing(sock, data):
        if is_whole(data):
            sock.say(5, frame(data, bytes((data[7] | 0x80, 2))))
        return is_whole(data)

    client = client_of(closing(), timeout_ms=20_000)
    for _ in range(3):
        read(client)
    net.server = refusing
    assert read(client)[0] == "IllegalDataAddressError"
    client.close()
    assert read(client) == ("IllegalDataAddressError", 5)


# --- a pause after connecting


def hasty(ms):
    """A server that closes if it is asked before so many ms have passed since it accepted."""

    def serve(sock, data):
        if not is_whole(data):
            return False
        if clock.now_ns - sock.opens_ns < ms * 1_000_000:
            sock.end(0)
            return True
        return good()(sock, data)

    return serve


def test_wrong_pauses():
    for pause_ms in (-1, 0.5, "1000", None, 1 << 29):
        error = raises(ValueError, TCPClient, (HOST, PORT), connect_pause_ms=pause_ms)
        assert str(error) == "connect_pause_ms must be 0..536870911, not %r" % (pause_ms,)


def test_a_server_that_drops_whoever_asks_in_the_first_second():
    client = client_of(hasty(1000), timeout_ms=1000, retries=3)
    assert read(client)[0] == "NoConnectionError"
    assert len(net.socks) == 4, "without a pause there is no way"
    for timeout_ms in (50, 300, 5000):
        for options in ({}, {"retries": 2}):
            client = client_of(
                hasty(1000), timeout_ms=timeout_ms, connect_pause_ms=1000, **options
            )
            net.accept_ms = 20
            assert read(client) == ([10, 11], 1025)
            assert client.connected
            for _ in range(3):
                assert read(client) == ([10, 11], 5), "the pause is over"
            assert len(net.socks) == 1


def test_the_pause_counts_from_the_connection():
    """connect() does not wait for its end. What has passed by then is not waited for again."""
    for rest_ms, took_ms in ((0, 1005), (400, 605), (999, 6), (1000, 5), (5000, 5)):
        client = client_of(hasty(1000), connect_pause_ms=1000)
        net.accept_ms = 20
        assert outcome(client.connect) == (None, 20)
        rest(rest_ms)
        assert outcome(client.connect) == (None, 0)
        assert read(client) == ([10, 11], took_ms), rest_ms
        assert len(net.socks) == 1


def test_every_connection_has_its_pause():
    """After a close, after a time-out, after the server has hung up."""
    client = client_of(hasty(1000), timeout_ms=200, connect_pause_ms=1000)
    for _ in range(3):
        assert read(client) == ([10, 11], 1005)
        client.close()
    assert read(client) == ([10, 11], 1005)
    net.server = silent
    assert read(client) == ("NoReplyError", 200)
    net.server = hasty(1000)
    assert read(client) == ([10, 11], 1005)
    net.socks[-1].end(0)
    assert read(client) == ([10, 11], 1005)
    assert len(net.socks) == 6


def test_the_second_try_has_its_pause_too():
    client = client_of(hasty(1000), connect_pause_ms=1000)
    assert read(client) == ([10, 11], 1005)
    net.server = in_turn(closing(5), hasty(1000))
    assert read(client) == ([10, 11], 5 + 1005)
    assert [len(sock.requests) for sock in net.socks] == [2, 1]


def test_the_pause_is_no_part_of_a_time_out():
    for pause_ms in (1, 100, 1000, 60_000):
        client = client_of(silent, timeout_ms=100, connect_pause_ms=pause_ms)
        net.accept_ms = 90
        assert read(client) == ("NoReplyError", 90 + pause_ms + 100)
    client = client_of(good(), timeout_ms=100, connect_pause_ms=1000)
    client.connect()
    net.room = 0
    assert read(client) == ("NoConnectionError", 1100), "the network does not take the request"
    net.room, net.accept_ms = 1000, None
    rest(10_000)
    assert read(client) == ("NoConnectionError", 100)


def test_a_call_that_is_given_up_in_the_pause_leaves_the_connection():
    """Nothing was sent: the next call goes on with the same pause."""

    class Stopped(TCPClient):
        left = 0

        def wait(self):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
            return TCPClient.wait(self)

    for framer in (MBAP, RTUStream):
        net.reset()
        net.server = hasty(1000)
        client = Stopped((HOST, PORT), connect_pause_ms=1000, framer=framer)
        client.connect()
        rest(400)
        client.left = 1
        raises(KeyboardInterrupt, read, client)
        assert client.connected and len(net.socks) == 1 and net.socks[0].asked() == b""
    net.reset()
    net.server = hasty(1000)
    client = TCPClient((HOST, PORT), connect_pause_ms=1000)
    client.connect()
    rest(400)
    request = client.new_request(3, 1, 10, 2)
    client.begin(request)
    client.release(request)
    rest(100)
    assert read(client) == ([10, 11], 505) and len(net.socks) == 1


def test_closed_in_the_pause():
    class Closing(TCPClient):
        def wait(self):
            if self.connected:
                self.close()
            return TCPClient.wait(self)

    net.reset()
    net.server = good()
    client = Closing((HOST, PORT), connect_pause_ms=1000, retries=3)
    error = raises(NoConnectionError, client.read_coils, 1, 0, 1)
    assert "closed meanwhile" in str(error) and net.open_socks() == 0


def test_any_rest_before_the_first_request():
    """The clock wraps meanwhile. At worst the pause is kept once more."""
    for idle_ms in _IDLE_MS:
        for pause_ms in (0, 1000):
            client = client_of(good(), connect_pause_ms=pause_ms)
            client.connect()
            rest(idle_ms)
            got, took_ms = read(client)
            assert got == [10, 11] and took_ms <= 5 + pause_ms
            rest(idle_ms)
            assert read(client) == ([10, 11], 5)
            assert len(net.socks) == 1


def test_a_program_that_stalls_in_the_pause():
    for idle_ms in _IDLE_MS:
        client = stalled(good(), idle_ms, connect_pause_ms=1000)
        assert read(client)[0] == [10, 11]


# --- reconnect after time-outs


def test_wrong_numbers_of_time_outs():
    for n in (0, -1, 0.5, "3", None, 1 << 29):
        error = raises(ValueError, TCPClient, (HOST, PORT), reconnect_after_timeouts=n)
        assert str(error) == "reconnect_after_timeouts must be 1..536870911, not %r" % (n,)
    for n in (2, 3, 1000):
        error = raises(
            ValueError, TCPClient, (HOST, PORT), framer=RTUStream, reconnect_after_timeouts=n
        )
        sentence = "reconnect_after_timeouts must be 1 with framer=RTUStream, not %r" % (n,)
        assert str(error) == sentence


def test_a_connection_is_given_up_after_so_many_time_outs():
    for n in (1, 2, 3, 10):
        for retries in (0, 1, 4):
            client = client_of(silent, timeout_ms=200, retries=retries, reconnect_after_timeouts=n)
            for _ in range(3 * n):
                assert read(client)[0] == "NoReplyError"
            asked = [len(sock.requests) for sock in net.socks]
            tries = 3 * n * (1 + retries)
            assert asked[: tries // n] == [n] * (tries // n) and sum(asked) == tries
            assert client.connected == (tries % n > 0)


def test_time_outs_in_a_row():
    """Whatever comes between begins the count anew: a reply, an exception, a late reply."""

    def sometimes(pattern):
        """A server that answers (1), refuses (2), answers too late (3) or not at all (0)."""
        left = list(pattern)

        def serve(sock, data):
            if not is_whole(data):
                return False
            how = left.pop(0) if left else 1
            if how == 2:
                sock.say(5, frame(data, bytes((data[7] | 0x80, 2))))
            elif how:
                sock.say(5 if how == 1 else 250, frame(data, registers(data[7:])))
            return True

        return serve

    for pattern, connections in (
        ((0, 0, 1, 0, 0, 1), 1),
        ((0, 0, 2, 0, 0, 1), 1),
        ((0, 3, 0, 0, 1), 1),  # it comes during the third one, which is not silent then
        ((0, 0, 0, 1), 2),
        ((0, 0, 0, 0, 0, 0, 1), 3),
        ((1, 0, 0, 0, 1), 2),
    ):
        client = client_of(
            sometimes(pattern), timeout_ms=200, retries=9, reconnect_after_timeouts=3
        )
        for address in range(10):
            got = read(client, address)[0]
            assert got in ([address, address + 1], "IllegalDataAddressError"), (pattern, got)
        assert len(net.socks) == connections, (pattern, len(net.socks))


def test_a_server_that_has_always_sent_one_more_frame():
    """However often one comes while the next request is prepared, that is sent soon."""

    class Told(TCPClient):
        left = 0

        def clear(self):
            if self.left and net.open_socks():
                self.left -= 1
                net.socks[-1].say(0, frame(bytes((0, 99, 0, 0, 0, 6, 1)), b"\3\2\0\7"))
            return super().clear()

    for frames in (0, 1, 15, 16, 17, 1000):
        net.reset()
        net.server = good()
        client = Told((HOST, PORT))
        for _ in range(3):
            client.left = frames
            for ask in (
                lambda client=client: read(client)[0],
                lambda client=client: forwarded(client, b"\3\0\x0a\0\2"),
            ):
                assert ask() in ([10, 11], b"\3\4\0\x0a\0\x0b"), frames
            assert client.left >= frames - 2 * 16, frames
        assert len(net.socks) == 1 or frames > 15


def forwarded(client, pdu):
    """What a gateway gets for a request PDU that it passes on."""
    adu = bytearray(262)
    adu[6] = 1
    adu[7 : 7 + len(pdu)] = pdu
    forwarder = Forwarder(client)
    status = forwarder.forward(adu, len(pdu), 1000, False)
    while status == PENDING:
        rest(1)
        status = forwarder.advance()
    return bytes(adu[7 : 7 + forwarder.response_size()]) if status == 0 else status


def test_late_replies_over_a_connection_that_is_kept():
    """A value that is returned belongs to the question, whatever comes late."""

    def slow(sock, data):
        if not is_whole(data):
            return False
        sock.say(150 if len(sock.requests) % 2 else 10, frame(data, registers(data[7:])))
        return True

    client = client_of(slow, timeout_ms=100, reconnect_after_timeouts=1000)
    for address in range(100):
        got = read(client, address)[0]
        assert got in ([address, address + 1], "NoReplyError", "BadReplyError"), got
        rest(7 * (address % 5))
    assert len(net.socks) == 1


def test_half_a_reply_ends_a_connection_at_once():
    """However many time-outs are allowed: its other half would be taken for the next reply."""

    def cut(sock, data):
        if not is_whole(data):
            return False
        sock.say(5, frame(data, registers(data[7:]))[:8])
        return True

    client = client_of(in_turn(cut, good()), timeout_ms=300, reconnect_after_timeouts=5)
    assert read(client) == ("BadReplyError", 300)
    assert net.open_socks() == 0
    assert read(client) == ([10, 11], 5)


# --- clocks that wrap


def test_any_rest_on_a_connection():
    for idle_ms in _IDLE_MS:
        client = client_of(good())
        for _ in range(4):
            assert read(client) == ([10, 11], 5)
            rest(idle_ms)
        assert len(net.socks) == 1


def test_any_rest_after_any_failure():
    """Half of the clock's period is 6.2 days: what is longer seems to be less than nothing."""
    for server, refuse in (
        (closing(), None),
        (good(), errno.ECONNREFUSED),
        (good(), "late"),
        (silent, None),
        (closing(5, b"\0\1"), None),
    ):
        for idle_ms in _IDLE_MS:
            client = client_of(server, timeout_ms=1000)
            net.refuse = refuse
            for _ in range(30):
                read(client)
            rest(idle_ms)
            net.server, net.refuse = good(), None
            assert read(client) == ([10, 11], 5), idle_ms


class Stalled(TCPClient):
    """A client whose program does something else for long while a call waits."""

    stall_ms = 0

    def wait(self):
        rest(self.stall_ms)
        return TCPClient.wait(self)


def stalled(server, idle_ms, **options):
    client = client_of(server)
    client = Stalled((HOST, PORT), timeout_ms=1000, **options)
    client.stall_ms = idle_ms
    return client


def test_a_program_that_stalls_during_a_call():
    """The call is over at once then, whatever it was waiting for."""
    for idle_ms in _IDLE_MS:
        client = stalled(silent, idle_ms)
        assert read(client) == ("NoReplyError", 2 * idle_ms), "once to connect, once to read"
        client = stalled(good(), idle_ms)
        net.accept_ms = None
        assert read(client) == ("NoConnectionError", idle_ms)
        client = stalled(good(), idle_ms)
        net.room = 0
        assert read(client) == ("NoConnectionError", idle_ms)
        client = stalled(closing(), 0)
        for _ in range(3):
            read(client)
        client.stall_ms = idle_ms
        net.server = good()
        assert read(client)[0] in ([10, 11], "NoConnectionError")
        assert now_ms() <= 3 * idle_ms + 1000


def test_a_reply_that_came_meanwhile_counts():
    for idle_ms in _IDLE_MS:
        client = stalled(good(), idle_ms)
        assert read(client)[0] == [10, 11]


# --- a flood


def test_the_time_out_is_kept_whatever_comes():
    """Replies to others, one after another without end."""
    others = frame(b"\x77\x77\0\0\0\0\1", b"\x83\2") * 40

    def flooding(sock, data):
        sock.flood = others[: 9 * 111]
        return is_whole(data)

    for timeout_ms in (50, 200, 1000):
        client = client_of(flooding, timeout_ms=timeout_ms)
        got, took_ms = read(client)
        assert got == "BadReplyError" and timeout_ms <= took_ms < timeout_ms + 10, took_ms
        got, took_ms = read(client)
        assert took_ms < timeout_ms + 110, "a back-off, and the time-out"
        assert len(net.socks) == 2, "who does not stop is hung up on"


# --- closed in the middle


def test_closed_in_every_state():
    """By a hook, another task, an interrupt: the call ends with NoConnectionError."""

    class Closing(TCPClient):
        left = 0

        def wait(self):
            if self.left == 0:
                self.close()
            self.left -= 1
            return TCPClient.wait(self)

    for accept_ms, room, server in (
        (None, 9, good()),
        (5, 0, good()),
        (5, 9, silent),
        (0, 1, silent),
    ):
        for left in range(3):
            net.reset()
            net.server, net.accept_ms, net.room = server, accept_ms, room
            client = Closing((HOST, PORT), timeout_ms=1000)
            client.left = left
            got, took_ms = read(client)
            assert got in ("NoConnectionError", "NoReplyError") and took_ms <= 2000
            assert net.open_socks() == 0
            net.server, net.accept_ms, net.room = good(), 0, 1000
            client.left = -1
            assert read(client)[0] == [10, 11]
