"""pymodbus's clients, through the gateway, to pymodbus's slaves on a serial line."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.interop.gateway import TIMEOUT_S, gateway, pymodbus_slaves
from tools.pty_line import PtyLine

ABSENT, LOCAL = 9, 100
NO_PATH, NO_ANSWER = 10, 11


@pytest.fixture(scope="module", params=["serve", "aio"])
def server(request, micropython):
    with (
        PtyLine() as line,
        pymodbus_slaves(line.server_path, 1, 2, 3),
        gateway(micropython, request.param, line.client_path) as running,
    ):
        yield running


@pytest.fixture
def client(server):
    with server.client() as one:
        yield one


def good(response):
    """Return a response that is not an exception."""
    assert not response.isError(), response
    return response


def refused(response):
    """Return the code of an exception response."""
    assert response.isError(), response
    return response.exception_code


def read(client, slave_id, address, quantity):
    return client.read_holding_registers(address, count=quantity, device_id=slave_id)


def test_every_slave_has_its_own(client):
    for slave_id in (1, 2, 3, 2, 1):
        expected = [1000 * slave_id + i for i in range(20, 25)]
        assert good(read(client, slave_id, 20, 5)).registers == expected
        got = client.read_input_registers(0, count=125, device_id=slave_id)
        assert good(got).registers == [1000 * slave_id + i for i in range(125)]
        got = client.read_coils(3, count=50, device_id=slave_id)
        assert good(got).bits[:50] == [i % slave_id == 0 for i in range(3, 53)]


def test_writes(client):
    values = [random.randrange(65536) for _ in range(60)]
    good(client.write_registers(130, values, device_id=2))
    good(client.write_register(191, 7, device_id=2))
    good(client.write_coils(1000, [True, False] * 300, device_id=2))
    good(client.write_coil(1001, True, device_id=2))
    good(client.mask_write_register(address=191, and_mask=0xFFF0, or_mask=8, device_id=2))
    assert good(read(client, 2, 130, 62)).registers == [*values, 1000 * 2 + 190, 8]
    got = good(client.read_coils(1000, count=4, device_id=2)).bits[:4]
    assert got == [True, True, True, False]


def test_exceptions(client):
    assert refused(read(client, 1, 500, 1)) == 2
    assert refused(read(client, 42, 0, 1)) == NO_PATH
    assert refused(read(client, ABSENT, 0, 1)) == NO_ANSWER
    assert good(read(client, 3, 0, 1)).registers == [3000]


def test_what_is_served_here(client):
    for slave_id in (LOCAL, 255, 0):
        good(client.write_registers(0, [slave_id, 5], device_id=slave_id or LOCAL))
        assert good(read(client, slave_id, 0, 2)).registers == [slave_id, 5]
    assert refused(read(client, LOCAL, 10, 1)) == 2


def test_broadcast(client):
    client.write_registers(120, [4711, 12], device_id=0, no_response_expected=True)
    for slave_id in (1, 2, 3):
        assert good(read(client, slave_id, 120, 2)).registers == [4711, 12]


def test_four_clients_at_once(server):
    """What each reads is what it has asked for, and what it has written."""

    def work(number):
        rng = random.Random(number)
        with server.client() as one:
            for i in range(20):
                slave_id, address = rng.choice((1, 2, 3)), rng.randrange(100)
                got = good(read(one, slave_id, address, 3)).registers
                assert got == [1000 * slave_id + address + k for k in range(3)]
                good(one.write_register(195 + number, i, device_id=2))
                assert good(read(one, 2, 195 + number, 1)).registers == [i]

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(4)))


def test_nobody_waits_for_more_than_one_time_out_of_another(server):
    """Three ask slaves that are there, one asks for an absent one, again and again."""
    over = threading.Event()

    def work(slave_id):
        longest_s, n = 0, 0
        with server.client() as one:
            while not over.is_set():
                begin_s = time.monotonic()
                assert good(read(one, slave_id, 0, 1)).registers == [1000 * slave_id]
                longest_s, n = max(longest_s, time.monotonic() - begin_s), n + 1
        return longest_s, n

    def work_in_vain():
        try:
            with server.client() as one:
                return [refused(read(one, ABSENT, 0, 1)) for _ in range(3)]
        finally:
            over.set()

    with ThreadPoolExecutor() as pool:
        others = [pool.submit(work, slave_id) for slave_id in (1, 2, 3)]
        assert pool.submit(work_in_vain).result() == [NO_ANSWER] * 3
        for other in others:
            longest_s, n = other.result()
            assert n >= 3
            assert longest_s < 2 * TIMEOUT_S


def test_local_ids_are_answered_while_the_line_is_busy(server):
    with server.client() as first, server.client() as second, ThreadPoolExecutor() as pool:
        far = pool.submit(read, first, ABSENT, 0, 1)
        time.sleep(0.1)
        for _ in range(20):
            good(read(second, LOCAL, 0, 1))
        assert not far.done(), "the local answers waited for the line"
        assert refused(far.result()) == NO_ANSWER
