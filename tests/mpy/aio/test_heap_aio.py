"""asyncio: nothing is allocated at rest, nor for a request; a call costs its coroutine object."""

import gc
import socket

import micropython
from support.loop import run  # comes first: asyncio by the clock of support.uart

import asyncio

from support.bus import answer
from support.pdu import request
from support.rtu import OURS, Bench, frame
from support.tcp import frame as tcp_frame
from support.tcp import free_port
from support.uart import UART, clock

from umb.aio import AsyncRTUClient, AsyncTCPClient, serve
from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.server import Server
from umb.server.tcp import TCPServer
from umb.store import Store

READ = request(3, 0, 10)
_STEP_US = 20


class Slave(UART):
    """A line on which every request is answered by the same bytes."""

    def __init__(self, reply):
        clock.reset(step_us=_STEP_US)
        super().__init__(921600, cost_us=_STEP_US)
        self._reply = reply

    def write(self, buf, at, n):
        self.sent.clear()
        n = UART.write(self, buf, at, n)
        self.hear(self.end_ns() // 1000 + 300, self._reply)
        return n


def listen(handler):
    return free_port(lambda port: TCPServer(("127.0.0.1", port), handler))


async def allocated(work, times):
    """How many bytes of the heap work(times) takes, garbage included, beside all other tasks."""
    await work(10)
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    await work(times)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


async def locked(work, times):
    """Await work(times) with the heap locked for all tasks: MemoryError where one allocates."""
    waiting = work(times)
    micropython.heap_lock()
    try:
        await waiting
    finally:
        micropython.heap_unlock()


def costs(work, *drivers, times=1000):
    """What awaiting work(times) allocates while the drivers are served, the coroutine aside."""

    async def main():
        task = asyncio.create_task(serve(*drivers))
        n = await allocated(work, times) - await allocated(work, 0)
        await locked(work, 50)
        task.cancel()
        return n

    return run(main())


# --- servers


async def rest(times):
    for _ in range(times):
        await asyncio.sleep_ms(5)


class Asker:
    """A client of a TCP server, which takes no memory either."""

    def __init__(self, port):
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self.sock.setblocking(False)
        self.data, self.got = tcp_frame(READ), bytearray(300)

    async def ask(self, times):
        for _ in range(times):
            self.sock.write(self.data)
            while self.sock.readinto(self.got) is None:
                await asyncio.sleep_ms(0)
            assert self.got[7] == 3


def test_nothing_at_rest():
    bench = Bench(115200)
    tcp, _ = listen(bench.rtu.server)
    gateway = Gateway(RTUClient(Slave(b""), baudrate=921600))
    assert costs(rest, bench.rtu, tcp, gateway) == 0
    tcp.server_close()


def test_nothing_for_a_request_over_tcp():
    tcp, port = listen(Server(Store(holding_registers=10)))
    assert costs(Asker(port).ask, tcp) == 0
    assert tcp.counters.server_message_count > 1000
    tcp.server_close()


def test_nothing_for_a_request_over_a_line():
    bench = Bench(921600, line={"cost_us": _STEP_US})
    uart, data = bench.uart, frame(OURS, READ)

    async def ask(times):
        for _ in range(times):
            uart.sent.n = bench.pin.trace.n = 0
            uart.hear(clock.now_us() + 4000, data)
            while uart.sent.n < 25 or clock.now_ns < uart.end_ns():
                await asyncio.sleep_ms(0)

    assert costs(ask, bench.rtu, times=200) == 0


def test_nothing_for_a_request_through_a_gateway():
    tcp, port = listen(Gateway(RTUClient(Slave(frame(1, answer(1, READ))), baudrate=921600)))
    assert costs(Asker(port).ask, tcp, tcp.server, times=200) == 0
    tcp.server_close()


# --- clients


def coroutine_object(call):
    """How many bytes a call takes that is never awaited. Calls like it have been made before."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    waiting = call()
    after = gc.mem_alloc()
    gc.enable()
    waiting.close()
    return after - before


def calls_of(client):
    """Calls that have nothing to return but what is there already."""
    into, values = [0] * 10, [7] * 10
    return (
        lambda: client.read_holding_registers(1, 0, 10, into),
        lambda: client.read_coils(1, 0, 10, into),
        lambda: client.write_single_register(1, 0, 5),
        lambda: client.write_multiple_registers(1, 0, values),
    )


def cost_one_object(call, *drivers, times=1000):
    async def ask(times):
        for _ in range(times):
            await call()

    async def main():
        task = asyncio.create_task(serve(*drivers)) if drivers else None
        n = await allocated(ask, times) - await allocated(ask, 0)
        if task:
            task.cancel()
        return n

    n = run(main())
    size = coroutine_object(call)
    assert n == times * size, "{} bytes a call, an object has {}".format(n / times, size)


def test_a_call_over_tcp_is_one_object():
    tcp, port = listen(Server(Store(holding_registers=10, coils=10)))
    client = AsyncTCPClient(("127.0.0.1", port))
    for call in calls_of(client):
        cost_one_object(call, tcp)
    client.close()
    tcp.server_close()


def test_a_call_over_a_line_is_one_object():
    for i, pdu in enumerate((READ, b"\1\0\0\0\n", request(6, 0, 5), request(16, 0, 10))):
        reply = b"\1\2\0\0" if pdu[0] == 1 else answer(1, pdu)
        client = AsyncRTUClient(Slave(frame(1, reply)), baudrate=921600)
        cost_one_object(calls_of(client)[i], times=200)


def test_waiting_for_ones_turn_costs_nothing():
    """Two tasks that share a client: each call is one object still."""
    client = AsyncRTUClient(Slave(frame(1, answer(1, READ))), baudrate=921600)
    call = calls_of(client)[0]

    async def ask(times):
        for _ in range(times):
            await call()

    async def main():
        other = asyncio.create_task(ask(1_000_000))
        await ask(10)
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        await ask(100)
        after = gc.mem_alloc()
        gc.enable()
        other.cancel()
        return (after - before) / 200

    n = run(main())
    size = coroutine_object(call)
    assert abs(n - size) <= 0.02 * size, (n, size)
