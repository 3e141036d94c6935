"""umb.aio in the asyncio that boards have, by the real clock; support.loop stands in elsewhere."""

import gc
import random
import socket

import micropython
from support.pdu import request, words
from support.tcp import frame, free_port

import asyncio

from umb.aio import AsyncRTUClient, AsyncTCPClient, serve
from umb.fast import crc16
from umb.errors import NoReplyError
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.store import Store


class Loopback:
    """A UART with a slave behind it that answers FC 3 at once, unless the address ends in 7."""

    exact_times = False

    def __init__(self):
        self._data = b""

    def any(self):
        return len(self._data)

    def readinto(self, buf, n):
        buf[:n] = self._data[:n]
        self._data = self._data[n:]
        return n

    def write(self, buf, at, n):
        slave_id, address, quantity = buf[at], buf[at + 2] << 8 | buf[at + 3], buf[at + 5]
        if address % 10 != 7:
            values = words(*[slave_id * 1000 + address + i for i in range(quantity)])
            reply = bytes((slave_id, 3, 2 * quantity)) + values
            crc = crc16(reply, 0, len(reply))
            self._data += reply + bytes((crc & 0xFF, crc >> 8))
        return n


async def ask(client, number, calls):
    """Make so many calls, some of which are given up early. Returns how many were answered."""
    answered = 0
    for i in range(calls):
        slave_id, address = 1 + number, number * 100 + i
        call = client.read_holding_registers(slave_id, address, 2)
        if i % 3 == 0:
            call = asyncio.wait_for_ms(call, random.randrange(60))
        try:
            got = await call
        except (asyncio.TimeoutError, NoReplyError):
            continue
        assert got == [slave_id * 1000 + address, slave_id * 1000 + address + 1], (number, i, got)
        answered += 1
    return answered


def test_tasks_share_a_line():
    client = AsyncRTUClient(Loopback(), baudrate=115200, timeout_ms=10)

    async def main():
        return await asyncio.gather(*[ask(client, i, 20) for i in range(10)])

    answered = asyncio.run(main())
    assert min(answered) >= 8 and sum(answered) < 200, answered


class Silent:
    """A UART on which nothing ever comes."""

    def any(self):
        return 0

    def readinto(self, _buf, _n):
        return None

    def write(self, _buf, _at, n):
        return n


def test_nothing_is_allocated_at_rest_nor_for_a_request():
    server = Server(Store(holding_registers=10))
    tcp, port = free_port(lambda port: TCPServer(("127.0.0.1", port), server))
    rtu = RTUServer(Silent(), server, baudrate=19200, parity=0)
    sock = socket.socket()
    sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
    sock.setblocking(False)
    data, got = frame(request(3, 0, 10)), bytearray(300)

    async def rest(times):
        for _ in range(times):
            await asyncio.sleep_ms(2)

    async def exchange(times):
        for _ in range(times):
            sock.write(data)
            while sock.readinto(got) is None:
                await asyncio.sleep_ms(0)

    async def main():
        task = asyncio.create_task(serve(tcp, rtu))
        used = []
        for work, times in ((rest, 100), (exchange, 1000)):
            await work(5)
            waiting, locked = work(times), work(20)
            gc.collect()
            gc.disable()
            before = gc.mem_alloc()
            await waiting
            used.append(gc.mem_alloc() - before)
            gc.enable()
            micropython.heap_lock()
            await locked
            micropython.heap_unlock()
        task.cancel()
        return used

    used = asyncio.run(main())
    sock.close()
    tcp.server_close()
    assert used == [0, 0]


def test_tasks_share_a_connection():
    server = Server(Store(holding_registers=2000), range(1, 11))
    tcp, port = free_port(lambda port: TCPServer(("127.0.0.1", port), server))
    client = AsyncTCPClient(("127.0.0.1", port))

    async def write_and_read(number):
        for i in range(20):
            address = number * 100 + i
            await client.write_multiple_registers(1, address, [number, i])
            assert await client.read_holding_registers(1, address, 2) == [number, i]

    async def main():
        task = asyncio.create_task(serve(tcp))
        await asyncio.gather(*[write_and_read(i) for i in range(10)])
        tcp.shutdown()
        await asyncio.wait_for_ms(task, 10_000)

    asyncio.run(main())
    client.close()
    tcp.server_close()
    assert tcp.counters.server_message_count == 400
