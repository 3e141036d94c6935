"""Remote I/O on an emulated Pico W whose WiFi is not there at first: it serves on."""

import socket

import pytest

from tools.emulator.wire import MS, read_registers, registers_reply, write_registers

pytestmark = pytest.mark.long_pico

ID, AT = 1, 3  # its slave id, and a holding register
UP = "WiFi is up: Modbus TCP on 127.0.0.2:502"
LOOKS = 'WiFi: still looking for "umb"'
LIMIT_S = 600


class Bench:
    """A Board at work, the master on its serial line, which is alone there."""

    def __init__(self, board):
        from tools.emulator.master import Master  # noqa: PLC0415 - needs the emulator

        self.board = board
        self.master = Master(board.line())
        self._value = 0

    def wait_for(self, text):
        """Let the board run until it prints this anew."""
        self.board.usb.text.clear()
        self.board.wait_for(text)

    def ask_over_line(self):
        """Write a register over the serial line, and read it."""
        self._value += 1
        write = self.master.ask(write_registers(ID, [self._value], AT), timeout_ns=200 * MS)
        assert write.reply[1] == 16
        read = self.master.ask(read_registers(ID, 1, AT), timeout_ns=200 * MS)
        assert read.reply == registers_reply(ID, [self._value])

    def ask_over_network(self):
        """Return the register, as it is read over the network."""
        address = self.board.forward.listen(502)

        def ask():
            with socket.create_connection(address, LIMIT_S) as sock:
                sock.sendall(bytes((0, 1, 0, 0, 0, 6, ID, 3, 0, AT, 0, 1)))
                return int.from_bytes(sock.recv(11)[9:], "big")

        assert self.board.forward.call(ask) == self._value


@pytest.fixture(scope="module")
def bench(pico_w):
    pico_w.access_point.present = False
    pico_w.run({"role": "io"})
    bench = Bench(pico_w)
    since_ns = pico_w.pico.now
    while not bench.master.ask(read_registers(ID, 1)).complete:
        assert pico_w.pico.now < since_ns + 3000 * MS, "it does not answer"
    yield bench
    pico_w.access_point.present = True


def test_the_network_comes_late(bench):
    bench.ask_over_line()
    bench.wait_for(LOOKS + ": it is not in reach")
    bench.ask_over_line()
    bench.board.access_point.present = True
    bench.wait_for(UP)
    bench.ask_over_line()
    bench.ask_over_network()
