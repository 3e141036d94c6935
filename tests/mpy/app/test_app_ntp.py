"""app.mqtt.ntp: the time of day, asked of a time server on this machine."""

import asyncio
import os
import socket
import sys

from support.umb import raises

sys.path.insert(0, "boards")

from app.mqtt.ntp import ask, seconds_of, wait_s

from umb.port.sockets import resolve

_1900 = 2_208_988_800


def answer(seconds, mode=4, stratum=2):
    """An answer that says so many seconds since 1900."""
    data = bytearray(48)
    data[0] = 3 << 3 | mode
    data[1] = stratum
    data[40:44] = (seconds & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(data)


def test_what_an_answer_says():
    for unix in (1_700_000_000, 1_800_000_000, 2_085_978_495, 2_085_978_496, 3_000_000_000):
        assert seconds_of(answer(unix + _1900)) == unix, unix  # the seconds wrap in 2036
    for data in (
        b"",
        answer(4_000_000_000)[:47],
        answer(4_000_000_000, mode=3),
        answer(4_000_000_000, stratum=0),  # a refusal
        b"\xdc" + answer(4_000_000_000)[1:],  # of a server that does not know the time itself
    ):
        raises(OSError, seconds_of, data)


def test_it_is_asked_less_and_less_often():
    waits = [15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert [wait_s(attempts) for attempts in range(1, 11)] == waits
    assert wait_s(10_000) == 3600


def bound(server):
    """Bind a socket to a port that is free. Returns it."""
    while True:
        port = 40_000 + int.from_bytes(os.urandom(2), "big") % 20_000
        try:
            server.bind(resolve(("127.0.0.1", port)))
            return port
        except OSError:
            pass


def asked(answers):
    """What ask() returns, or the OSError that it raises, of a server with these answers."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    port = bound(server)
    server.setblocking(False)

    async def serve():
        while True:
            await asyncio.sleep_ms(5)
            try:
                request, peer = server.recvfrom(100)
            except OSError:
                continue
            assert len(request) == 48 and request[0] == 0x1B
            for data in answers:
                server.sendto(data, peer)

    async def both():
        task = asyncio.create_task(serve())
        try:
            return await ask(("127.0.0.1", port))
        except OSError as error:
            return error
        finally:
            task.cancel()

    asyncio.new_event_loop()
    try:
        return asyncio.run(both())
    finally:
        server.close()


def test_a_server():
    assert asked([answer(1_800_000_000 + _1900)]) == 1_800_000_000
    assert isinstance(asked([b"short"]), OSError)


def test_no_answer():
    assert isinstance(asked([]), OSError)
