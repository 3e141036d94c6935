"""Measure the processor time that servers need for a request.

Server and client share one processor and one request is in flight, so that what is measured is
the server's own work. Absolute times are this machine's; what counts are the ratios of one run.
"""

import argparse
import os
import shutil
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.env import ROOT, Trouble, Venv, micropython, requirements

HERE = Path(__file__).resolve().parent
REQUESTS = {
    "FC3 x 10": struct.pack(">BHH", 3, 0, 10),
    "FC3 x 125": struct.pack(">BHH", 3, 0, 125),
    "FC16 x 10": struct.pack(">BHHB", 16, 0, 10, 20) + bytes(20),
}
GOALS = {"FC3 x 10": 1.25, "FC3 x 125": 1.3, "FC16 x 10": 1.35}
_YARDSTICK = "libmodbus"


def build_yardstick(folder):
    """Compile the libmodbus server; returns its path, None where that cannot be done."""
    if not (shutil.which("cc") and shutil.which("pkg-config")):
        return None
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"],
        check=False,
        capture_output=True,
        text=True,
    )
    program = Path(folder) / "libmodbus_server"
    command = ["cc", "-O2", str(HERE / "libmodbus_server.c"), "-o", str(program)]
    if flags.returncode or subprocess.run(command + flags.stdout.split(), check=False).returncode:
        return None
    return str(program)


def servers(folder):
    """{name: command line without the port}."""
    found = {}
    yardstick = build_yardstick(folder)
    if yardstick:
        found[_YARDSTICK] = [yardstick]
    found["umb"] = [micropython(), str(HERE / "umb_server.py")]
    venv = Venv(ROOT / ".venv")
    venv.provide([pin for pin in requirements("dev") if pin.startswith("pymodbus")], "a peer")
    found["pymodbus"] = [str(venv.python), str(HERE / "pymodbus_server.py")]
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port, process):
    """A connection to the server as soon as it listens."""
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:
            if process.poll() is not None:
                raise Trouble(f"a server ended at once: {process.args[0]}") from None
            time.sleep(0.05)
    raise Trouble(f"nothing listens: {process.args[0]}")


def cpu_s(process):
    """The processor time of a process so far, in seconds."""
    return int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0]) / 1e9


def ask(sock, request, size):
    sock.sendall(request)
    while size > 0:
        size -= len(sock.recv(300))


def measure(command, pdu, count):
    """Microseconds of processor time that a server takes per request."""
    port = free_port()
    environment = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
    process = subprocess.Popen(
        [*command, str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        os.sched_setaffinity(process.pid, {0})
        with connect(port, process) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            request = struct.pack(">HHHB", 1, 0, len(pdu) + 1, 1) + pdu
            sock.sendall(request)
            size = len(sock.recv(300))
            for _ in range(count // 10):
                ask(sock, request, size)
            begin = cpu_s(process)
            for _ in range(count):
                ask(sock, request, size)
            return (cpu_s(process) - begin) / count * 1e6
    finally:
        process.kill()
        process.wait()


def table(figures):
    """The figures as lines of text, as ratios to the yardstick where there is one."""
    yield f"{'server CPU a request':22}" + "".join(f"{name:>22}" for name in figures["FC3 x 10"])
    for request, row in figures.items():
        base = row.get(_YARDSTICK)
        cells = (
            f"{us:10.1f} us" + (f" {us / base:6.2f} x" if base else " " * 9) for us in row.values()
        )
        yield f"{request:22}" + " ".join(cells) + f"   (umb's goal: {GOALS[request]} x)"


def main(args):
    """Print the table."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10000, help="requests in a round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the median is shown")
    parser.add_argument(
        "--fleet",
        type=int,
        nargs="?",
        const=100,
        metavar="N",
        help="so many boards (100) at an MQTT broker, which is killed and comes back",
    )
    arguments = parser.parse_args(args)
    if arguments.fleet:
        from tools.bench import fleet  # noqa: PLC0415 - it needs other packages

        return fleet.main(arguments.fleet)
    os.sched_setaffinity(0, {0})
    with tempfile.TemporaryDirectory() as folder:
        commands = servers(folder)
        if _YARDSTICK not in commands:
            sys.stderr.write("no C compiler or no libmodbus-dev here: times without ratios\n")
        figures = {}
        for request, pdu in REQUESTS.items():
            rounds = {name: [] for name in commands}
            for _ in range(arguments.rounds):
                for name, command in commands.items():
                    rounds[name].append(measure(command, pdu, arguments.count))
            figures[request] = {name: statistics.median(us) for name, us in rounds.items()}
    for line in table(figures):
        print(line)
    return 0
