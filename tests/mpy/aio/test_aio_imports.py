"""umb.aio on a firmware without a network: what is loaded, and what is asked for when."""

from support.no_network import bring_back  # comes first, see there

import sys

from support.loop import run  # comes next: asyncio by the clock of support.uart

import asyncio

from support.bus import answer
from support.pdu import request
from support.rtu import OURS, Bench, frame
from support.uart import UART, clock
from support.umb import raises

import umb.aio
from umb.aio import serve


def modules(beginning):
    """The modules of umb that are loaded and begin like this."""
    return [name for name in sys.modules if name.startswith("umb." + beginning)]


# The tests run in this order, in one process.


def test_a_server_under_asyncio_loads_no_client():
    bench = Bench(19200)

    async def main():
        task = asyncio.create_task(serve(bench.rtu))
        await asyncio.sleep_ms(50)
        bench.hear(frame(OURS, request(3, 0, 1)))
        await asyncio.sleep_ms(50)
        task.cancel()

    run(main())
    assert [len(reply) for reply in bench.replies()] == [7]
    assert modules("client") == [] and modules("port.sockets") == []
    assert modules("aio") == ["umb.aio"]


def test_unknown_names():
    assert str(raises(AttributeError, getattr, umb.aio, "AsyncNothing")) == "AsyncNothing"
    assert not hasattr(umb.aio, "TCPClient")
    assert modules("client") == []


class Slave(UART):
    """A line on which every request is answered by the same bytes."""

    def __init__(self, reply):
        clock.reset()
        super().__init__(19200)
        self._reply = reply

    def write(self, buf, at, n):
        n = UART.write(self, buf, at, n)
        self.hear(self.end_ns() // 1000 + 3000, self._reply)
        return n


def test_a_client_on_a_serial_line_needs_no_network():
    from umb.aio import AsyncRTUClient

    line = Slave(frame(5, answer(5, request(3, 16, 3))))
    client = AsyncRTUClient(line, baudrate=19200, parity=0)
    assert len(run(client.read_holding_registers(5, 16, 3))) == 3
    assert modules("port.sockets") == []
    assert sorted(modules("aio")) == ["umb.aio", "umb.aio.client", "umb.aio.rtu"]


def test_clients_of_a_network_say_what_is_missing():
    for name in ("AsyncTCPClient", "AsyncUDPClient"):
        for _ in range(2):
            error = raises(ImportError, getattr, umb.aio, name)
            assert str(error) == "no module named 'socket'"


def test_with_a_network_every_client_is_there():
    bring_back()
    from umb.aio import AsyncRTUClient, AsyncTCPClient, AsyncUDPClient

    kinds = AsyncRTUClient, AsyncTCPClient, AsyncUDPClient
    names = "AsyncRTUClient", "AsyncTCPClient", "AsyncUDPClient"
    assert tuple(kind.__name__ for kind in kinds) == names
    for name, kind in zip(names, kinds):
        assert getattr(umb.aio, name) is kind
    assert not AsyncTCPClient(("127.0.0.1", 502)).connected
