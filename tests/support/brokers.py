"""Real MQTT brokers, and a listener at one: what boards publish there."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from tests.support.service import free_port

_READY_S = 30


def need_mosquitto():
    """Return the path of mosquitto; where there is none, skip the test."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("there is no mosquitto here (Debian: apt-get install mosquitto)")
    return found


def need_amqtt():
    """Return the path of amqtt's broker; where there is none, skip the test."""
    found = shutil.which("amqtt", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip("there is no amqtt here (requirements/dev.txt)")
    return found


class Broker:
    """A broker on a port of this PC: it can be killed, frozen, and started again.

    Nothing of what it keeps outlives it: there is no file for that.
    """

    def __init__(self, command, port):
        self.port = port
        self._command = command
        self._process = None
        self.start()

    def start(self):
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"{self._command[0]} has ended"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise AssertionError(f"{self._command[0]} does not listen")

    def kill(self):
        """End it at once, even if it is frozen."""
        self._process.kill()
        self._process.wait()

    def freeze(self):
        """Let it do nothing from now on: its connections stay, and are silent."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)


def mosquitto(folder, *lines, port=None):
    """Return a mosquitto as a Broker, with these lines in its configuration file."""
    port = port or free_port()
    path = Path(folder) / f"mosquitto{port}.conf"
    access = [] if any("allow_anonymous" in line for line in lines) else ["allow_anonymous true"]
    # As root it would become a user who must not read the files of tests.
    head = [f"listener {port} 127.0.0.1", "user root"]
    path.write_text("\n".join([*head, *access, *lines, ""]))
    return Broker([need_mosquitto(), "-c", str(path)], port)


def amqtt(folder):
    """Return an amqtt as a Broker."""
    port = free_port()
    path = Path(folder) / "amqtt.yaml"
    path.write_text(
        "listeners:\n  default:\n    type: tcp\n"
        f"    bind: 127.0.0.1:{port}\n"
        "plugins:\n"
        "  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n"
    )
    return Broker([need_amqtt(), "-c", str(path)], port)


class Listener:
    """A client that keeps what it receives of all topics, over all its sessions.

    messages   (topic, text, retain) in order
    last       {topic: text} of the newest of each topic
    """

    def __init__(self, port, user=None, password=None, topics=("#",)):
        self.messages = []
        self.last = {}
        self._grown = threading.Condition()
        self._topics = topics
        self._ready = threading.Event()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(0.05, 0.2)
        if user:
            self._client.username_pw_set(user, password)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._received
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._ready.wait(_READY_S)

    def _connected(self, client, *_):
        client.subscribe([(topic, 1) for topic in self._topics])

    def _received(self, _client, _data, message):
        with self._grown:
            text = message.payload.decode(errors="replace")
            self.messages.append((message.topic, text, message.retain))
            self.last[message.topic] = text
            self._grown.notify_all()

    def wait(self, condition, timeout_s=_READY_S):
        """Wait until condition() is true."""
        deadline = time.monotonic() + timeout_s
        with self._grown:
            while not condition():
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"it did not come; last: {self.last}"
                self._grown.wait(min(left_s, 0.2))

    def wait_for(self, topic, text, timeout_s=_READY_S):
        """Wait until this is the newest message of a topic."""
        self.wait(lambda: self.last.get(topic) == text, timeout_s)

    def forget(self):
        """Forget what came so far."""
        with self._grown:
            self.messages.clear()
            self.last.clear()

    def texts(self, topic):
        """Return the texts of all messages of a topic, in order."""
        return [text for one, text, _ in list(self.messages) if one == topic]

    def publish(self, topic, text, retain=False):
        """Publish a message, and wait until the broker has it."""
        self._client.publish(topic, text, 1, retain).wait_for_publish(_READY_S)

    def close(self):
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()
