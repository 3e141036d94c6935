"""Package files installed the way users do it, and each part at work with nothing else of umb.

The programs are in tests/install; they import what a part promises, and the rest of umb is absent.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys

import mpremote.mip
import pytest
import serial
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient, ModbusTcpClient, ModbusUdpClient

from tests.support.service import Service, free_port
from tests.support.web import served
from tools.build import make_dist
from tools.dev import COMMANDS
from tools.env import ROOT
from tools.packages import FOLDER, PARTS, WHOLE

PROGRAMS = ROOT / "tests" / "install"
KINDS = ("py", "mpy")
BOTH = pytest.mark.parametrize("kind", KINDS)
# What asking.py prints of the remote-I/O slave.
ASKED = ["2", "[7, 8] 458760", "1 [0, 0, 1, 0]", "refused with 1"]


def place_of(folder, part):
    """Return where a package file is below the checkout, or below a folder of dev.py dist."""
    inside = FOLDER if folder == ROOT and part != WHOLE else ""
    return os.path.join(inside, f"{part}.json")


def sources(folder, part):
    """Return {where a package file installs it: the file}."""
    place = folder / place_of(folder, part)
    return {to: place.parent / at for to, at in json.loads(place.read_text())["urls"]}


def listed(folder, part):
    """Return what a package file says it installs."""
    return sorted(sources(folder, part))


def files_in(folder):
    """Return all files below a folder."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def run_elsewhere(micropython, program):
    """Run a program that imports mip; in the checkout that would be the folder of this name."""
    command = [micropython, "-c", program]
    return subprocess.run(command, cwd=PROGRAMS, check=True, capture_output=True)


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A folder as dev.py dist makes it."""
    folder = tmp_path_factory.mktemp("made") / "dist"
    folder.mkdir()
    make_dist(folder)
    return folder


@pytest.fixture(scope="module")
def installed(micropython, tmp_path_factory, dist):
    """{kind: {part: the folder that MicroPython's own mip installed it into}}."""
    found = {}
    for kind, source in zip(KINDS, (ROOT, dist), strict=True):
        top = tmp_path_factory.mktemp(kind)
        found[kind] = {part: top / part for part in PARTS}
        with served(source) as address:
            places = {part: f"{address}/{place_of(source, part)}" for part in PARTS}
            calls = [f"mip.install('{places[p]}', target='{top}/{p}')" for p in PARTS]
            program = "import mip\n" + "\n".join(calls)
            done = run_elsewhere(micropython, program)
        assert done.stdout.count(b"Done") == len(PARTS), done.stdout
    return found


@pytest.fixture
def run(micropython, installed, tmp_path):
    """run(kind, part, arguments): the Service of a part's program, maybe with parts besides."""
    # A part for UARTs is tried on a device of this PC, by a driver that is none of the part.
    text = (ROOT / "umb" / "port" / "tty.py").read_text()
    (tmp_path / "pc_line.py").write_text(re.sub(r"\bfrom \.\.", "from umb.", text))
    with contextlib.ExitStack() as after:

        def start(kind, part, *arguments, besides=(), program=None):
            lib = tmp_path / part
            for one in (part, *besides):
                shutil.copytree(installed[kind][one], lib, dirs_exist_ok=True)
            env = {**os.environ, "MICROPYPATH": f"{lib}:{tmp_path}:.frozen"}
            name = program or part.replace("-", "_")
            service = Service([micropython, PROGRAMS / f"{name}.py", *arguments], env=env)
            after.callback(service.end)
            return service

        yield start


def printed(service):
    """Return what a program printed, at its end, which has to be a good one."""
    assert service.process.wait(60) == 0, service.lines
    service.end()
    return service.lines


@BOTH
@pytest.mark.parametrize("part", PARTS)
def test_mip_installs_what_is_listed(installed, dist, kind, part):
    source = dist if kind == "mpy" else ROOT
    folder = installed[kind][part]
    assert files_in(folder) == listed(source, part)
    for target, file in sources(source, part).items():
        assert (folder / target).read_bytes() == file.read_bytes()


def check_device(client):
    """Ask what tests/install/device.py makes."""
    assert client.read_holding_registers(0, count=2).registers == [1, 0xE240]
    assert not client.write_registers(100, [5, 6]).isError()
    assert client.read_holding_registers(100, count=2).registers == [5, 6]
    assert client.read_holding_registers(50, count=1).exception_code == 2
    assert client.read_holding_registers(4, count=2, device_id=2).registers == [2304, 2305]
    assert client.read_input_registers(4, count=1, device_id=2).exception_code == 6
    assert client.read_device_information().information[1] == b"example"


@BOTH
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_server_on_a_network(run, kind, protocol):
    port = free_port()
    run(kind, f"server-{protocol}", port, besides=("functions",)).wait_for("ready")
    client_class = {"tcp": ModbusTcpClient, "udp": ModbusUdpClient}[protocol]
    client = client_class("127.0.0.1", port=port, timeout=10)
    assert client.connect()
    check_device(client)
    client.close()


@BOTH
def test_a_server_on_a_line(run, pty_pair, kind):
    service = run(kind, "server-rtu", pty_pair.server_path, "rtu", besides=("functions",))
    service.wait_for("ready")
    client = ModbusSerialClient(pty_pair.client_path, baudrate=19200, timeout=10)
    assert client.connect()
    check_device(client)
    client.close()


@BOTH
def test_parts_can_be_combined(run, pty_pair, kind):
    path = pty_pair.client_path
    besides = ("ascii", "functions")
    service = run(kind, "server-rtu", pty_pair.server_path, "ascii", besides=besides)
    service.wait_for("ready")
    client = ModbusSerialClient(path, framer=FramerType.ASCII, baudrate=19200, timeout=10)
    assert client.connect()
    check_device(client)
    client.close()


@BOTH
def test_a_client_on_a_network(run, slave, kind):
    assert printed(run(kind, "client-tcp", slave.port)) == ASKED


@BOTH
def test_a_client_on_a_line(run, slave, kind):
    assert printed(run(kind, "client-rtu", slave.device)) == ASKED


@BOTH
def test_clients_with_datagrams(run, kind):
    port = free_port()
    run(kind, "server-udp", port, besides=("functions",)).wait_for("ready")
    lines = printed(run(kind, "client-udp", port))
    assert lines == ["123456", "{0: b'umb', 1: b'example', 2: b'1.0'}"]
    assert printed(run(kind, "aio-client-udp", port)) == ["[1, 57920]"]


@BOTH
def test_asyncio_clients(run, slave, kind):
    assert printed(run(kind, "aio-client-tcp", slave.port)) == ["[[44], [55]]"]
    assert printed(run(kind, "aio-client-rtu", slave.device)) == ["[[44], [55]]"]


@BOTH
def test_asyncio_server(run, kind):
    port = free_port()
    run(kind, "aio", port, besides=("server-tcp", "functions")).wait_for("ready")
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)
    assert client.connect()
    check_device(client)
    client.close()


@BOTH
def test_umodbus(run, slave, kind):
    port = free_port()
    run(kind, "umodbus", port, slave.device, program="uses_umodbus").wait_for("ready")
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)
    assert client.connect()
    assert not client.write_registers(3, [7, 0xFFFE]).isError()
    assert client.read_holding_registers(3, count=2).registers == [7, 0xFFFE]
    assert client.read_holding_registers(9, count=2).exception_code == 2
    client.close()


@BOTH
def test_a_gateway(run, slave, kind):
    port = free_port()
    run(kind, "gateway", port, slave.device).wait_for("ready")
    client = ModbusTcpClient("127.0.0.1", port=port, timeout=10)
    assert client.connect()
    assert not client.write_register(9, 99).isError()
    assert client.read_holding_registers(9, count=1).registers == [99]
    assert client.read_holding_registers(9, count=1, device_id=5).exception_code == 10
    client.close()


@BOTH
def test_a_serial_device(run, pty_pair, kind):
    with serial.Serial(pty_pair.client_path, timeout=10) as far_end:
        service = run(kind, "tty", pty_pair.server_path)
        assert far_end.read(5) == b"hello"
        far_end.write(b"there")
        assert printed(service) == ["5 bytearray(b'there')"]


@pytest.fixture
def board(micropython, pty_pair, tmp_path):
    """What mpremote takes for a board: MicroPython's REPL on a pseudo-terminal, /lib in tmp_path.

    Returns a function that runs mpremote and returns what it printed.
    """
    lib = tmp_path / ".micropython" / "lib"
    lib.mkdir(parents=True)
    env = {**os.environ, "HOME": str(tmp_path)}
    env.pop("MICROPYPATH", None)

    def remote(*words, cwd=ROOT):
        # A soft reset would end this board: resume goes without.
        command = [sys.executable, "-m", "mpremote", "connect", pty_pair.client_path, "resume"]
        done = subprocess.run(
            [*command, *words], cwd=cwd, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    remote.lib = lib
    with open(pty_pair.server_path, "r+b", buffering=0) as terminal:
        ends = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
        with subprocess.Popen([micropython], cwd=tmp_path, env=env, **ends) as process:
            yield remote
            process.kill()


PAGES = ("README.md", "docs/start/install.md", "docs/how-to/freeze.md", "docs/how-to/memory.md")
README = "\n".join((ROOT / page).read_text() for page in PAGES)
PACKAGES = (ROOT / FOLDER / "README.md").read_text()
IMPORT = "import umb.server.{0}, umb.store; print(umb.server.{0}.__file__)"


@pytest.fixture(scope="module")
def checkout(dist):
    """The folder where README's commands are said to work, after dev.py dist."""
    for path in (ROOT / "umb", ROOT / FOLDER, *ROOT.glob("*.json")):
        (dist.parent / path.name).symlink_to(path)
    return dist.parent


@pytest.mark.parametrize(
    "file", sorted(set(re.findall(r"^mpremote mip install (\S+)$", README + PACKAGES, re.M)))
)
def test_the_readmes_commands(board, checkout, file):
    said = board("mip", "install", file, cwd=checkout)
    assert said.splitlines()[-1] == "Done"
    urls = json.loads((checkout / file).read_text())["urls"]
    assert files_in(board.lib) == sorted(target for target, _ in urls)
    kind = "mpy" if file.startswith("dist/") else "py"
    assert board("exec", IMPORT.format("rtu")).strip() == f"{board.lib}/umb/server/rtu.{kind}"


def test_the_readme_names_what_there_is():
    files = set(re.findall(r"^mpremote mip install (\S+)$", README, re.M))
    assert {"package.json", f"{FOLDER}/server-rtu.json", "dist/server-rtu.json"} <= files
    commands = set(re.findall(r"python3 tools/dev.py (\w+)", README + PACKAGES))
    assert {"dist", "packages", "sizes"} <= commands <= COMMANDS.keys()
    named = re.findall(r"^\| (`[^|.]+`) \|", PACKAGES, re.M)
    assert sorted(re.findall(r"`([\w-]+)`", " ".join(named))) == sorted(PARTS)
    boards = re.findall(r"BOARD=(\w+) FROZEN_MANIFEST=\"\$PWD/(\S+)\"", README)
    assert boards
    for name, manifest in boards:
        assert manifest == f"boards/{name}/manifest.py"
        assert (ROOT / manifest).is_file()
    options = re.findall(r'include\("umb/manifest.py", (.+?)\)', README)
    for words in [re.findall(r"(\w+)=True", text) for text in options]:
        assert "-".join(words) in PARTS


def test_mpremote_installs_umodbus_from_a_checkout(board):
    said = board("mip", "install", f"{FOLDER}/umodbus.json")
    assert said.splitlines()[-1] == "Done"
    assert files_in(board.lib) == listed(ROOT, "umodbus")
    program = (
        "import umodbus, socket\n"
        "from socketserver import TCPServer\n"
        "from umodbus.server.tcp import get_server\n"
        "print(umodbus.__file__, get_server(TCPServer, ('127.0.0.1', 0)).server_close())\n"
        "print(socket.create_connection)"
    )
    first, second = board("exec", program).splitlines()
    assert first == f"{board.lib}/umodbus/__init__.py None"
    assert second.startswith("<function create_connection")


def test_mpremote_installs_from_the_web(board, dist):
    with served(dist) as address:
        board("mip", "install", f"{address}/server-tcp.json")
    assert files_in(board.lib) == listed(dist, "server-tcp")
    said = board("exec", IMPORT.format("tcp"))
    assert said.strip() == f"{board.lib}/umb/server/tcp.mpy"


# Both mips ask this place for the files of a repository; these tests put the checkout there and,
# as a branch, what dev.py dist makes.
GITHUB = "https://raw.githubusercontent.com/owner/umb/{}/"
REPOSITORY = pytest.mark.parametrize(
    ("package", "version", "part"),
    [
        ("github:owner/umb", None, "package"),
        ("github:owner/umb/package.json", "v1", "package"),
        ("github:owner/umb/server-rtu.json", "dist", "server-rtu"),
        ("github:owner/umb/umodbus.json", "dist", "umodbus"),
    ],
)


class Board:
    """As much of a board as mpremote's mip asks for; `files` is what it was given."""

    def __init__(self):
        self.files = {}

    def fs_exists(self, _path):
        """Have every folder."""
        return True

    def fs_writefile(self, path, data, **_):
        """Keep a file."""
        self.files[path] = data


@pytest.fixture
def mpremote_install(monkeypatch):
    """install(package, version, open_url): what mpremote's mip puts on a board, and where."""

    def install(package, version, open_url):
        monkeypatch.setattr("urllib.request.urlopen", open_url)
        monkeypatch.setattr("builtins.print", lambda *_: None)
        board = Board()
        mpremote.mip._install_package(board, package, "", "/lib", version, True)
        return board.files

    return install


def folder_of(version, dist):
    """Return the folder that a version of the repository is."""
    return dist if version == "dist" else ROOT


@REPOSITORY
def test_mpremotes_mip_and_a_repository(mpremote_install, dist, package, version, part):
    place, folder = GITHUB.format(version or "HEAD"), folder_of(version, dist)

    def open_url(url):
        assert url.startswith(place), url
        assert ".." not in url
        return open(folder / url.removeprefix(place), "rb")

    files = mpremote_install(package, version, open_url)
    assert files == {f"/lib/{to}": at.read_bytes() for to, at in sources(folder, part).items()}


@pytest.fixture
def micropython_install(micropython, tmp_path):
    """install(package, version, folder): what MicroPython's mip installs, from this folder."""

    def install(package, version, folder):
        place = GITHUB.format(version or "HEAD")
        with served(folder) as address:
            program = f"""
import mip, requests
get = requests.get
def from_the_folder(url):
    assert url.startswith({place!r}), url
    assert ".." not in url
    return get({address!r} + url[{len(place) - 1}:])
requests.get = from_the_folder
mip.install({package!r}, target={str(tmp_path)!r}, version={version!r})
"""
            run_elsewhere(micropython, program)
        return files_in(tmp_path)

    return install


@REPOSITORY
def test_micropythons_mip_and_a_repository(micropython_install, dist, package, version, part):
    folder = folder_of(version, dist)
    assert micropython_install(package, version, folder) == listed(folder, part)


def test_mip_resolves_no_address(mpremote_install):
    """Why package.json stands in the root: what is asked for is up to the server to understand."""
    asked = []

    def open_url(url):
        asked.append(url)
        return open(ROOT / url.removeprefix(GITHUB.format("HEAD")), "rb")

    mpremote_install(f"github:owner/umb/{FOLDER}/tty.json", None, open_url)
    assert asked[1] == GITHUB.format("HEAD") + f"{FOLDER}/../umb/__init__.py"
