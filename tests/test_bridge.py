"""umb.bridge at real brokers: killed, frozen, with passwords, with TLS; and boards that meet."""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

from tests.support import brokers
from tests.support.service import Service, free_port
from tools import board_libraries
from tools.bench import fleet
from tools.env import ROOT

PROGRAM = ROOT / "tests" / "support" / "bridge_program.py"
_CLIENT = "chumicro_mqtt"


class Board(Service):
    """bridge_program.py at work."""

    def __init__(self, micropython, libraries, port, *, mqtt=(), bridge=(), **options):
        options["mqtt"] = {"host": "127.0.0.1", "port": port, **dict(mqtt)}
        options["bridge"] = {"name": "b", "interval_ms": 50, **dict(bridge)}
        env = {**os.environ, "MICROPYPATH": f"{ROOT}:{libraries}:.frozen"}
        command = [micropython, PROGRAM, json.dumps(options)]
        super().__init__(command, env=env, stdin=subprocess.PIPE)

    def say(self, text):
        """Send it a line."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def finish(self):
        """End it. Returns for how many milliseconds a poll() took at most, and its count."""
        self.say("end")
        worst_ms, count = re.findall(r"\d+", self.wait_for("worst"))
        assert self.wait() == 0
        return int(worst_ms), int(count)


@pytest.fixture(scope="module")
def libraries():
    """Where the MQTT clients are; where Python is too old for them, the tests are skipped."""
    if not board_libraries.runs_here(_CLIENT):
        pytest.skip(f"{_CLIENT} needs Python 3.11")
    others = [os.environ["UMB_UMQTT"]] if os.environ.get("UMB_UMQTT") else []
    return ":".join([str(board_libraries.folder(_CLIENT)), *others])


@pytest.fixture
def world(micropython, libraries, tmp_path):
    """Brokers, boards and listeners, which are gone after the test."""
    world = World(micropython, libraries, tmp_path)
    yield world
    world.close()


class World:
    """What a test starts, and ends."""

    def __init__(self, micropython, libraries, folder):
        self.folder = folder
        self._micropython = micropython
        self._libraries = libraries
        self._ends = []

    def mosquitto(self, *lines, port=None):
        """Start a mosquitto."""
        broker = brokers.mosquitto(self.folder, *lines, port=port)
        self._ends.append(broker.kill)
        return broker

    def amqtt(self):
        """Start an amqtt."""
        broker = brokers.amqtt(self.folder)
        self._ends.append(broker.kill)
        return broker

    def listener(self, port, *args, **named):
        """Start a listener."""
        listener = brokers.Listener(port, *args, **named)
        self._ends.append(listener.close)
        return listener

    def board(self, port, **named):
        """Start a board."""
        board = Board(self._micropython, self._libraries, port, **named)
        self._ends.append(lambda: board.end(signal.SIGKILL))
        return board

    def close(self):
        """End everything, what was started last first."""
        while self._ends:
            self._ends.pop()()


def counts_of(listener):
    """The counts that a board has published, in order."""
    return [int(text) for text in listener.texts("umb/b/io/count")]


@pytest.mark.parametrize("kind", ["mosquitto", "amqtt"])
def test_values_and_commands(world, kind):
    broker = getattr(world, kind)()
    listener = world.listener(broker.port)
    listener.publish("umb/b/io/setpoint/set", "7", retain=True)  # from another time
    board = world.board(broker.port, bridge={"discovery": True})
    listener.wait_for("umb/b/state", "online")
    listener.wait_for("umb/b/io/state", "online")
    listener.wait_for("umb/b/io/relay", "0")
    listener.wait(lambda: len(set(counts_of(listener))) > 5)
    listener.wait(lambda: "homeassistant/device/b/io/config" in listener.last)
    assert listener.last["umb/b/io/setpoint"] == "0"
    found = json.loads(listener.last["homeassistant/device/b/io/config"])
    assert sorted(found["cmps"]) == ["count", "log", "relay", "setpoint"]
    listener.publish("umb/b/io/relay/set", "1")
    listener.wait_for("umb/b/io/relay", "1")
    listener.publish("umb/b/io/setpoint/set", "31")
    listener.wait(lambda: "umb/b/io/setpoint/error" in listener.last)
    assert "30" in listener.last["umb/b/io/setpoint/error"]
    listener.publish("umb/b/io/setpoint/set", "x" * 2000)  # too long to be taken
    listener.publish("umb/b/io/setpoint/set", "30")
    listener.wait_for("umb/b/io/setpoint", "30")
    assert board.count("setpoint =") == 1
    counts = counts_of(listener)
    assert counts == sorted(counts)
    late = world.listener(broker.port)  # everything is there for those who come later
    late.wait_for("umb/b/io/setpoint", "30")
    late.wait_for("umb/b/state", "online")
    assert (late.messages[0][2], late.last["umb/b/io/relay"]) == (True, "1")
    board.end(signal.SIGKILL)
    listener.wait_for("umb/b/state", "offline")


def test_a_broker_is_killed_and_comes_back(world):
    broker = world.mosquitto()
    listener = world.listener(broker.port)
    board = world.board(broker.port)
    listener.wait(lambda: len(set(counts_of(listener))) > 5)
    broker.kill()
    board.wait_for("error: no connection to the broker")
    listener.forget()
    time.sleep(0.5)
    broker.start()
    listener.wait_for("umb/b/state", "online")
    listener.wait(lambda: len(set(counts_of(listener))) > 5)
    listener.wait_for("umb/b/io/relay", "0")
    # What is marked so arrives whole, with times, once.
    listener.wait(lambda: len(listener.texts("umb/b/io/log/history")) > 12)
    values = [json.loads(text) for text in listener.texts("umb/b/io/log/history")]
    found = [one["value"] for one in values]
    assert found == list(range(found[0], found[0] + len(found)))
    times = [one["time"] for one in values]
    assert times == sorted(times) and abs(times[-1] - time.time()) < 20
    assert board.count("session") == 2
    assert board.finish()[0] < 500


def test_a_broker_is_frozen(world):
    """The board goes on, notices it, and in the end nothing is wrong."""
    broker = world.mosquitto()
    listener = world.listener(broker.port)
    board = world.board(broker.port, mqtt={"keep_alive_s": 2, "timeout_ms": 500}, step_ms=5)
    listener.wait(lambda: len(counts_of(listener)) > 5)
    broker.freeze()
    board.wait_for("error: no connection to the broker")
    broker.thaw()
    listener.forget()
    board.wait_for("session 2")
    listener.wait(lambda: len(counts_of(listener)) > 5)
    worst_ms, count = board.finish()
    assert worst_ms < 500
    listener.wait_for("umb/b/state", "offline")
    counts = counts_of(listener)
    assert counts == sorted(counts) and count - counts[-1] < 200


def test_a_broker_that_is_silent_from_the_first(world):
    """Connections are made, and nobody answers them."""
    broker = world.mosquitto()
    broker.freeze()
    board = world.board(broker.port, mqtt={"timeout_ms": 300})
    board.wait_for("error: no connection to the broker")
    broker.thaw()
    board.wait_for("session 1")
    assert board.finish()[0] < 500


def test_no_broker(world):
    port = free_port()
    board = world.board(port)
    board.wait_for(f"error: no connection to the broker 127.0.0.1:{port}: refused")
    broker = world.mosquitto(port=port)
    board.wait_for("session 1")
    world.listener(broker.port).wait_for("umb/b/state", "online")
    assert board.finish()[0] < 500


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("nowhere.invalid", "no such host"),
        ("255.255.255.255", "there is no network that leads to it|E[A-Z]+"),
    ],
)
def test_a_host_that_is_none(world, host, why):
    board = world.board(1883, mqtt={"host": host})
    said = board.wait_for(f"error: no connection to the broker {host}:1883: ")
    assert re.fullmatch(f"error: .*:1883: ({why})", said)


def test_passwords(world):
    passwords = world.folder / "passwords"
    password_tool = shutil.which("mosquitto_passwd")
    brokers.need_mosquitto()
    subprocess.run([password_tool, "-b", "-c", passwords, "board", "right"], check=True)
    passwords.chmod(0o644)
    broker = world.mosquitto("allow_anonymous false", f"password_file {passwords}")
    logins = ({}, {"user": "board", "password": "wrong"})
    refused = [world.board(broker.port, mqtt=login) for login in logins]
    board = world.board(broker.port, mqtt={"user": "board", "password": "right"})
    board.wait_for("session 1")
    for one in refused:
        one.wait_for("authorized")
        assert not one.count("session")
    world.listener(broker.port, "board", "right").wait_for("umb/b/state", "online")


def test_two_boards_of_one_name(world):
    """Each throws the other one out, ever less often; both say so."""
    broker = world.mosquitto()
    boards = [world.board(broker.port) for _ in range(2)]
    for board in boards:
        board.wait_for("error: no connection to the broker")
    time.sleep(2)
    assert sum(board.count("session") for board in boards) < 10


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A folder with a CA, one that is not its own, and the broker's key and certificates."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    folder = tmp_path_factory.mktemp("certificates")

    def run(*words):
        done = subprocess.run(
            ["openssl", *words], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    for name in ("ca", "other"):
        run(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
        )
    for name in ("localhost", "elsewhere"):
        run(
            *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr"),
        )
        (folder / "names").write_text(f"subjectAltName=DNS:{name}\n")
        run(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key"),
            *("-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.crt"),
        )
        (folder / f"{name}.key").chmod(0o644)
    run("x509", "-in", "ca.crt", "-outform", "DER", "-out", "ca.der")
    folder.chmod(0o755)
    return folder


def test_tls(world, certificates):
    def broker(name):
        return world.mosquitto(
            f"certfile {certificates / name}.crt", f"keyfile {certificates / name}.key"
        )

    good, elsewhere = broker("localhost"), broker("elsewhere")
    cases = (
        (good.port, str(certificates / "ca.crt"), "session 1"),
        (good.port, str(certificates / "ca.der"), "session 1"),
        (good.port, True, "session 1"),
        (elsewhere.port, True, "session 1"),
        (good.port, str(certificates / "other.crt"), "error: no connection"),
        (elsewhere.port, str(certificates / "ca.crt"), "error: no connection"),
        (good.port, None, "error: no connection"),
    )
    boards = []
    for number, (port, tls, _) in enumerate(cases):
        mqtt = {"host": "localhost", "tls": tls, "client_id": f"board {number}"}
        boards.append(world.board(port, mqtt=mqtt))
    for board, (_, _, line) in zip(boards, cases, strict=True):
        board.wait_for(line)
        if line.startswith("error"):
            assert not board.count("session")
        else:
            assert board.finish()[0] < 1000


@pytest.mark.skipif(
    not os.environ.get("UMB_UMQTT"), reason="UMB_UMQTT names no folder with umqtt/simple.py"
)
def test_another_client(world):
    """umqtt.simple: the same, as long as the broker answers."""
    broker = world.mosquitto()
    listener = world.listener(broker.port)
    listener.publish("umb/b/io/setpoint/set", "7", retain=True)
    board = world.board(broker.port, bridge={"discovery": True}, client="umqtt.SimpleMQTT")
    listener.wait_for("umb/b/state", "online")
    listener.wait(lambda: len(set(counts_of(listener))) > 5)
    listener.wait(lambda: "homeassistant/device/b/io/config" in listener.last)
    listener.publish("umb/b/io/setpoint/set", "30")
    listener.wait_for("umb/b/io/setpoint", "30")
    assert board.count("setpoint =") == 1
    broker.kill()
    board.wait_for("error: no connection to the broker")
    listener.forget()
    broker.start()
    listener.wait_for("umb/b/state", "online")
    listener.wait(lambda: len(set(counts_of(listener))) > 5)
    board.finish()


def test_a_fleet(libraries):
    """Six boards; dev.py bench --fleet has a hundred."""
    brokers.need_mosquitto()
    del libraries  # they are at hand
    found = fleet.run(6, say=lambda _: None, away_s=1, change_s=8, step_ms=250)
    assert found.wrong == []
    assert found.lost == []
    assert found.rate > 20
    assert len(found.back_s) == 6
    assert len(set(found.heaps)) < 6  # they are alike


_MANY = """
import gc
import sys
from umb.bridge.mqtt import MQTT

mqtt = MQTT("127.0.0.1", port=int(sys.argv[1]))
mqtt.open("many", lambda: ("t/state", "offline", True), ["t/in"], lambda *_: None)
while not mqtt.connected:
    mqtt.poll()


def publish(n):
    i = 0
    while i < n:
        if i % 100 == 99:
            i += mqtt.stream("t/long", 2000, (b"x" * 100 for _ in range(20)))
        else:
            i += mqtt.publish("t/%d" % (i % 50), str(i), i & 1, True)
        mqtt.poll()
    while mqtt.unacknowledged or mqtt.nap_ms() == 0:
        mqtt.poll()


publish(200)
gc.collect()
before = gc.mem_alloc()
publish(int(sys.argv[2]))
gc.collect()
print("left", gc.mem_alloc() - before)
"""


def test_no_heap_is_left_behind(world, micropython, libraries, pytestconfig):
    """Of 10,000 messages, with both QoS, and long ones in pieces; 2,000 without --long."""
    count = 10_000 if pytestconfig.getoption("long") else 2_000
    broker = world.mosquitto("max_queued_messages 0")
    listener = world.listener(broker.port)
    path = world.folder / "many.py"
    path.write_text(_MANY)
    env = {**os.environ, "MICROPYPATH": f"{ROOT}:{libraries}:.frozen"}
    program = Service([micropython, path, broker.port, count], env=env)
    assert program.wait_for("left") == "left 0"
    assert program.wait() == 0
    wanted = [n for first in (200, count) for n in range(first) if n % 100 != 99]

    def numbers():
        return [int(text) for topic, text, _ in listener.messages if topic[2:].isdigit()]

    # The broker keeps back some of those with QoS 1 while the listener is slow to acknowledge.
    listener.wait(lambda: len(numbers()) >= len(wanted))
    assert sorted(numbers()) == sorted(wanted)  # each once
    assert listener.last["t/long"] == "x" * 2000
