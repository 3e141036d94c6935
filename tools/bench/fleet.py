"""dev.py bench --fleet: many boards at one MQTT broker, which is killed and comes back.

Each board is a process of MicroPython's unix port with ten values that change every second. It is
checked that no wrong value comes, that every last value arrives, and when boards come back.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from tools.board_libraries import folder
from tools.env import ROOT, Trouble, micropython, use_venv

_BOARD = Path(__file__).with_name("fleet_board.py")
_POINTS = 10
_NUMBER = 1_000_000
_COME_S = 100  # within which every board has to be there: the longest time between attempts, twice
_LAST_S = 20  # within which the last values have to come
_WINDOW_S = 1


class Figures(NamedTuple):
    """What a fleet was like."""

    wrong: list  # topics and values that no board has published, or not in this order
    lost: list  # topics whose last value is not there
    back_s: list  # after how many seconds boards came back, in order
    rate: float  # messages a second while all boards were there
    heaps: list  # bytes of the heap in use, of each board
    memory: int  # bytes that all processes have, without what they share


class Watcher:
    """A client that checks every value, and notes when boards are online."""

    def __init__(self, port):
        import paho.mqtt.client as paho  # noqa: PLC0415 - .venv has it

        self.wrong = []
        self.last = {}
        self.online = {}  # board: when that was told
        self.count = 0
        self._lock = threading.Lock()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(0.02, 0.1)
        self._client.on_connect = lambda client, *_: client.subscribe("umb/#", 1)
        self._client.on_message = self._received
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _received(self, _client, _data, message):
        levels = message.topic.split("/")
        text = message.payload.decode()
        with self._lock:
            self.count += 1
            if levels[2:] == ["state"]:
                if text == "online":
                    self.online[levels[1]] = time.monotonic()
                return
            if levels[-1] == "state":
                return
            number, step = divmod(int(text), _NUMBER)
            before = self.last.get(message.topic, 0)
            if f"board-{number}" != levels[1] or step < before:
                self.wrong.append((message.topic, text))
            self.last[message.topic] = step

    def all_online(self, boards):
        """Return whether so many boards are online, since forget() was called."""
        with self._lock:
            return len(self.online) == boards

    def forget(self):
        """Forget who is online."""
        with self._lock:
            self.online.clear()

    def close(self):
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()


def run(boards, say=print, away_s=3.0, change_s=60, step_ms=1000):
    """Return the Figures of so many boards. Raises Trouble.

    away_s     for how long the broker is away
    change_s   for how long values change: it should be back by then
    """
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = Broker(place)
        stack.callback(broker.kill)
        watcher = Watcher(broker.port)
        stack.callback(watcher.close)
        steps = change_s * 1000 // step_ms
        fleet = [
            stack.enter_context(board(number, broker.port, steps, step_ms))
            for number in range(1, boards + 1)
        ]
        wait_until(lambda: watcher.all_online(boards), "not all boards came")
        say(f"{boards} boards are there")
        rate = messages_a_second(watcher)
        memory = sum(map(private_bytes, fleet))
        broker.kill()
        time.sleep(away_s)
        watcher.forget()
        broker.start()
        began_s = time.monotonic()
        say(f"the broker is back after {away_s:.0f} s")
        wait_until(lambda: watcher.all_online(boards), "not all boards came back")
        back_s = sorted(at - began_s for at in watcher.online.values())
        heaps = [int(one.stdout.readline().split()[1]) for one in fleet]
        topics = [
            f"umb/board-{number}/io/p{i}"
            for number in range(1, boards + 1)
            for i in range(_POINTS)
        ]
        deadline = time.monotonic() + _LAST_S
        lost = topics
        while lost and time.monotonic() < deadline:  # the last values are on their way
            time.sleep(0.1)
            lost = [topic for topic in topics if watcher.last.get(topic) != steps]
        return Figures(watcher.wrong, lost, back_s, rate, heaps, memory)


class Broker:
    """A mosquitto that keeps nothing on the disk."""

    def __init__(self, place):
        path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if path is None:
            raise Trouble("there is no mosquitto here (Debian: apt-get install mosquitto)")
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self.port = one.getsockname()[1]
        config = place / "mosquitto.conf"
        lines = (f"listener {self.port} 127.0.0.1", "allow_anonymous true", "user root")
        config.write_text("\n".join((*lines, "max_queued_messages 0", "")))
        self._command = [path, "-c", str(config)]
        self._process = None
        self.start()

    def start(self):
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

        def listens():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return True
            return False

        wait_until(listens, "mosquitto does not listen")

    def kill(self):
        """End it at once."""
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def board(number, port, steps, step_ms):
    """Run a board; it is ended afterwards."""
    command = [micropython(), str(_BOARD), str(number), str(port), str(steps), str(step_ms)]
    env = {**os.environ, "MICROPYPATH": f"{ROOT}:{folder('chumicro_mqtt')}:.frozen"}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def messages_a_second(watcher, for_s=5):
    """Return how many messages come."""
    before = watcher.count
    time.sleep(for_s)
    return (watcher.count - before) / for_s


def private_bytes(process):
    """Return how much memory a process has that it does not share."""
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    lines = (line.split() for line in rollup.splitlines() if line.startswith("Private"))
    return sum(int(words[1]) for words in lines) * 1024


def wait_until(condition, what):
    """Wait for a condition. Raises Trouble."""
    deadline = time.monotonic() + _COME_S
    while not condition():
        if time.monotonic() > deadline:
            raise Trouble(f"{what} within {_COME_S} s")
        time.sleep(0.05)


def most_at_once(times_s, window_s=_WINDOW_S):
    """Return how many of these times are within one window at most."""
    return max(sum(first <= other < first + window_s for other in times_s) for first in times_s)


def main(boards):
    """Print what a fleet is like; return 1 if anything went wrong."""
    words = (str(ROOT / "tools" / "dev.py"), "bench", "--fleet", str(boards))
    use_venv("fleet", "an MQTT client", ("paho", "chumicro_mqtt"), words)
    found = run(boards, lambda text: print(text, flush=True))
    back_s = found.back_s
    print(f"wrong values      {len(found.wrong)}")
    print(f"last values lost  {len(found.lost)} of {boards * _POINTS}")
    print(f"messages a second {found.rate:.0f}")
    print(
        f"boards came back within {back_s[0]:.1f} to {back_s[-1]:.1f} s, half of them within"
        f" {back_s[len(back_s) // 2]:.1f} s, at most {most_at_once(back_s)} in one second"
    )
    print(f"heap in use       {max(found.heaps)} bytes a board, on a 64-bit machine")
    print(f"memory            {found.memory // boards // 1024} KB a process")
    return 1 if found.wrong or found.lost else 0
