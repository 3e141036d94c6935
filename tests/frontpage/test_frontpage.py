"""uModbus's own programs, as they are, over umb's package umodbus in MicroPython.

They are not part of umb: those of the front page are read from the description of the uModbus that
is installed for the tests, those of scripts/examples, which no package of uModbus has, from a
checkout of its branch master that UMODBUS_DIR names. Replaced are a port number that takes root,
and the address that the unix port's connect() wants looked up; in the examples nothing is.
"""

import importlib.metadata
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from pymodbus.client import ModbusTcpClient
from umodbus.client import tcp as their_tcp

from tests.interop.probe import RawClient
from tests.support.service import Service, free_port
from tools.env import ROOT

_STANDINS = Path(__file__).parent / "standins"  # for what users install from micropython-lib
_PACKAGE_FILE = ROOT / "mip" / "umodbus.json"
_UMODBUS_SERVER = ROOT / "tests" / "interop" / "peer_umodbus.py"
_ADDRESS = "('localhost', 502)"


def front_page():
    """Return the two programs of uModbus's README, the server and the client."""
    programs, inside = [], None
    for line in importlib.metadata.metadata("uModbus").get_payload().splitlines():
        if line.startswith(".. code:: python"):
            inside = []
            programs.append(inside)
        elif line and not line.startswith("    "):
            inside = None
        elif inside is not None:
            inside.append(line[4:])
    server, client = ("\n".join(lines).strip("\n") + "\n" for lines in programs)
    return server, client


def replaced(text, old, new):
    """Return a program with something replaced that it has once."""
    assert text.count(old) == 1
    return text.replace(old, new)


def example(name):
    """Return a program of scripts/examples. Skips the test if there is no checkout."""
    folder = os.environ.get("UMODBUS_DIR")
    if not folder:
        pytest.skip("UMODBUS_DIR names no checkout of uModbus, whose examples no package has")
    return (Path(folder) / "scripts" / "examples" / name).read_text()


@pytest.fixture(scope="module")
def lib(tmp_path_factory):
    """The folder into which the package file of umodbus was installed."""
    folder = tmp_path_factory.mktemp("lib")
    for target, address in json.loads(_PACKAGE_FILE.read_text())["urls"]:
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((_PACKAGE_FILE.parent / address).read_bytes())
    return folder


@pytest.fixture
def start(micropython, lib, tmp_path):
    """start(text, arguments): the Service of a program that has what is installed, and no more."""
    services = []

    def begin(text, *arguments):
        program = tmp_path / f"program_{len(services)}.py"
        program.write_text(text)
        env = {**os.environ, "MICROPYPATH": f"{lib}:{_STANDINS}:.frozen"}
        services.append(Service([micropython, program, *arguments], env=env))
        return services[-1]

    yield begin
    for service in services:
        service.end(signal.SIGKILL)


def wait_until_it_listens(service, port):
    """It does not say so: try."""
    deadline = time.monotonic() + 30
    while True:
        assert service.process.poll() is None, "\n".join(service.lines)
        try:
            RawClient(("localhost", port)).socket.close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def server(start, port):
    """The server of the front page, once it listens."""
    service = start(replaced(front_page()[0], _ADDRESS, f"('localhost', {port})"))
    wait_until_it_listens(service, port)
    return service


@pytest.fixture
def theirs(port):
    """uModbus's own server, in CPython."""
    service = Service([sys.executable, _UMODBUS_SERVER, port])
    service.wait_for("ready")
    yield service
    service.end(signal.SIGKILL)


def client(port):
    """Return the client of the front page."""
    return replaced(front_page()[1], _ADDRESS, f"socket.getaddrinfo('localhost', {port})[0][-1]")


def coils(port):
    """Return the first six coils of a server."""
    with RawClient(("127.0.0.1", port)) as raw:
        return their_tcp.send_message(their_tcp.read_coils(1, 0, 6), raw.socket)


@pytest.mark.usefixtures("server")
def test_server(port):
    with ModbusTcpClient("localhost", port=port, timeout=20, retries=0) as master:
        assert master.read_holding_registers(0, count=10).registers == [0] * 10
        assert not master.write_registers(2, [1, 65535, 3]).isError()
        assert not master.write_register(9, 40000).isError()
        wanted = [0, 0, 1, 65535, 3, 0, 0, 0, 0, 40000]
        assert master.read_holding_registers(0, count=10).registers == wanted
        assert master.read_input_registers(2, count=3).registers == wanted[2:5]
        assert master.read_holding_registers(9, count=2).exception_code == 2
        assert master.read_coils(0, count=1).exception_code == 2


@pytest.mark.usefixtures("server")
def test_server_and_their_client(port):
    with RawClient(("localhost", port)) as raw:
        message = their_tcp.write_multiple_registers(1, 0, [10, 20, 30])
        assert their_tcp.send_message(message, raw.socket) == 3
        message = their_tcp.read_holding_registers(1, 0, 4)
        assert their_tcp.send_message(message, raw.socket) == [10, 20, 30, 0]


def test_server_logs_and_ends(server, port):
    with RawClient(("localhost", port)) as raw:
        assert raw.ask("0600051234") == "0600051234"
    server.wait_for("DEBUG:uModbus:--> 127.0.0.1 - 123400000006010600051234")
    server.end(signal.SIGINT)
    assert "DEBUG:uModbus:<-- 127.0.0.1 - 123400000006010600051234" in server.lines
    with pytest.raises(ConnectionRefusedError):
        RawClient(("localhost", port))


@pytest.mark.usefixtures("theirs")
def test_client(start, port):
    assert coils(port) == [0] * 6
    assert start(client(port)).process.wait(30) == 0
    assert coils(port) == [0, 1, 0, 1, 1, 0]


@pytest.mark.parametrize("words", [("-b", "localhost:"), ("--bind", "127.0.0.1:")])
def test_example_of_a_server(start, port, words):
    text = example("simple_tcp_server.py")
    service = start(text, words[0], f"{words[1]}{port}")
    wait_until_it_listens(service, port)
    assert start(client(port)).process.wait(30) == 0
    assert coils(port) == [0, 1, 0, 1, 1, 0]


@pytest.mark.usefixtures("theirs")
@pytest.mark.parametrize("words", [("-a", "localhost:"), ("--address", "127.0.0.1:")])
def test_example_of_a_client(start, port, words):
    text = example("simple_tcp_client.py")
    assert start(text, words[0], f"{words[1]}{port}").process.wait(30) == 0
    assert coils(port) == [0, 1, 0, 1, 1, 0]


def test_examples_together(start, port):
    service = start(example("simple_tcp_server.py"), "--bind", f"localhost:{port}")
    wait_until_it_listens(service, port)
    text = example("simple_tcp_client.py")
    assert start(text, "--address", f"localhost:{port}").process.wait(30) == 0
    assert coils(port) == [0, 1, 0, 1, 1, 0]
