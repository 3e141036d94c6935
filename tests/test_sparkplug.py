"""umb.sparkplug: payloads as Google's Protocol Buffers read them, and a node at a mosquitto."""

import json
import math
import os
import signal
import subprocess
import threading
import time

import paho.mqtt.client as paho
import pytest

from tests.support import brokers, sparkplug
from tests.support.service import Service
from tools import board_libraries
from tools.env import ROOT

_CLIENT = "chumicro_mqtt"
_TYPES = {
    "INT16": (2, (0, 1, -1, 32767, -32768)),
    "INT32": (3, (0, -1, (1 << 31) - 1, -(1 << 31))),
    "INT64": (4, (0, -1, (1 << 63) - 1, -(1 << 63))),
    "UINT16": (6, (0, 127, 128, 65535)),
    "UINT32": (7, (0, 16383, 16384, (1 << 32) - 1)),
    "UINT64": (8, (0, (1 << 64) - 1)),
    "FLOAT": (9, (0.0, -1.5, 3.0e38)),
    "DOUBLE": (10, (0.0, 231.2, -1e300, 7)),
    "BOOLEAN": (11, (0, 1)),
    "STRING": (12, ("", "Acme", "h\u00e9llo", "x" * 300)),
}
_WRITE = """
import json
from umb.sparkplug import payload

for name, kind, value, historical in json.loads(%r):
    data = payload.head(1_800_000_000_123, 200)
    data += payload.metric(name, getattr(payload, kind), value, 1_800_000_000_000, historical)
    print(data.hex())
"""
_READ = """
import json
from umb.sparkplug import payload

for text in json.loads(%r):
    print(json.dumps(payload.read_metrics(bytes.fromhex(text))))
"""


def run(micropython, program, given):
    """Return the lines that a program prints of what it is given."""
    env = {**os.environ, "MICROPYPATH": f"{ROOT}:.frozen"}
    command = [micropython, "-c", program % json.dumps(given)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_what_is_written(micropython):
    """Every data type with its extremes, with and without a value."""
    cases = [
        (f"{kind} {n}", kind, value, bool(n & 1))
        for kind, (_, values) in _TYPES.items()
        for n, value in enumerate([*values, None])
    ]
    for case, line in zip(cases, run(micropython, _WRITE, cases), strict=True):
        name, kind, value, historical = case
        payload, values = sparkplug.read(bytes.fromhex(line))
        assert (payload.timestamp, payload.seq) == (1_800_000_000_123, 200)
        (metric,) = payload.metrics
        assert metric.timestamp == 1_800_000_000_000
        assert metric.datatype == _TYPES[kind][0]
        assert metric.is_historical == historical
        if kind == "FLOAT" and value:
            assert math.isclose(values[name], value, rel_tol=1e-6)
        else:
            assert values == {name: value}
        # Nothing is there that the schema has not: what is read is written the same.
        again = sparkplug.Payload.FromString(payload.SerializeToString())
        assert again == payload
        assert len(bytes.fromhex(line)) == len(payload.SerializeToString())


def test_what_is_read(micropython):
    """Commands as another implementation writes them."""
    cases = [
        ({"int_value": 5, "datatype": 3}, 5),
        ({"int_value": (1 << 32) - 1, "datatype": 3}, -1),
        ({"int_value": (1 << 32) - 1, "datatype": 7}, (1 << 32) - 1),
        ({"long_value": (1 << 64) - 7, "datatype": 4}, -7),
        ({"long_value": 1 << 40}, 1 << 40),
        ({"double_value": 20.5, "timestamp": 5, "alias": 3}, 20.5),
        ({"float_value": 0.25}, 0.25),
        ({"boolean_value": True}, 1),
        ({"string_value": "h\u00e9"}, "h\u00e9"),
        ({"is_null": True}, None),
        ({"bytes_value": b"x"}, None),
    ]
    given = [sparkplug.command("relay", **value).hex() for value, _ in cases]
    found = [json.loads(line) for line in run(micropython, _READ, given)]
    assert found == [[["relay", expected]] for _, expected in cases]


_NODE = """
import sys
from umb.bridge.mqtt import MQTT
from umb.points import Points, PointStore
from umb.serve import serve
from umb.sparkplug import Sparkplug

points = Points(
    [
        {"name": "count", "address": 0, "data_type": "uint32", "history": True},
        {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
    ]
)
store = PointStore(points, on_change=print)


def count():
    store["count"] += 1


node = Sparkplug(
    store,
    MQTT("127.0.0.1", port=int(sys.argv[1])),
    group="g",
    name="n",
    interval_ms=0,
    on_error=print,
)
serve(node, every=(200, count))
"""


class Host:
    """A host application: it keeps all messages as (kind, Payload, {name: value})."""

    def __init__(self, port):
        self.messages = []
        self._subscriptions = 0
        self._grown = threading.Condition()
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(0.05, 0.1)
        self._client.on_connect = lambda client, *_: client.subscribe("spBv1.0/g/+/n/#", 1)
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._received
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self.wait_for_subscription(1)

    def _subscribed(self, *_):
        with self._grown:
            self._subscriptions += 1
            self._grown.notify_all()

    def wait_for_subscription(self, number):
        """Wait until it has subscribed so many times: once to each broker that it found."""
        with self._grown:
            assert self._grown.wait_for(lambda: self._subscriptions >= number, 30)

    def _received(self, _client, _data, message):
        assert not message.retain
        kind = message.topic.split("/")[2]
        with self._grown:
            if kind not in ("NCMD", "DCMD"):
                self.messages.append((kind, *sparkplug.read(message.payload)))
            self._grown.notify_all()

    def wait(self, condition):
        """Wait until condition(message) is true of a message; return it, and forget all to it."""
        deadline = time.monotonic() + 30
        with self._grown:
            while True:
                for i, message in enumerate(self.messages):
                    if condition(message):
                        del self.messages[: i + 1]
                        return message
                assert time.monotonic() < deadline, self.messages[-5:]
                self._grown.wait(0.2)

    def wait_for(self, kind):
        """Wait for a message of a kind."""
        return self.wait(lambda message: message[0] == kind)

    def send(self, topic, data):
        """Send a command."""
        self._client.publish(f"spBv1.0/g/{topic}", data, 0).wait_for_publish(10)

    def close(self):
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()


def test_a_node(micropython, tmp_path):
    if not board_libraries.runs_here(_CLIENT):
        pytest.skip(f"{_CLIENT} needs Python 3.11")
    broker = brokers.mosquitto(tmp_path)
    host = Host(broker.port)
    path = tmp_path / "node.py"
    path.write_text(_NODE)
    env = {**os.environ, "MICROPYPATH": f"{ROOT}:{board_libraries.folder(_CLIENT)}:.frozen"}
    board = Service([micropython, path, broker.port], env=env)
    try:
        _, birth, values = host.wait_for("NBIRTH")
        assert birth.seq == 0 and values == {"bdSeq": 0, "Node Control/Rebirth": False}
        assert abs(birth.timestamp / 1000 - time.time()) < 60
        _, birth, values = host.wait_for("DBIRTH")
        assert birth.seq == 1 and values["relay"] is False
        host.wait(lambda message: message[0] == "DDATA" and "count" in message[2])
        host.send("DCMD/n/io", sparkplug.command("relay", boolean_value=True))
        host.wait(lambda message: message[2].get("relay") is True)
        board.wait_for("relay 1")
        host.send("NCMD/n", sparkplug.command("Node Control/Rebirth", boolean_value=True))
        _, birth, values = host.wait_for("NBIRTH")
        assert birth.seq == 0 and values["bdSeq"] == 0
        host.wait_for("DBIRTH")
        broker.kill()
        board.wait_for("no connection to the broker")
        time.sleep(2)
        board.process.send_signal(signal.SIGSTOP)  # else it may be back before the host
        broker.start()
        host.wait_for_subscription(2)
        board.process.send_signal(signal.SIGCONT)
        _, _, values = host.wait_for("NBIRTH")
        assert values["bdSeq"] > 0
        bd_seq = values["bdSeq"]
        _, _, values = host.wait_for("DBIRTH")
        historical = []
        while not historical or historical[-1].is_historical:
            historical += host.wait_for("DDATA")[1].metrics
        counts = [sparkplug.value_of(one) for one in historical if one.is_historical]
        assert counts == list(range(counts[0], counts[0] + len(counts))) and len(counts) > 3
        assert counts[-1] <= values["count"]
        board.end(signal.SIGKILL)
        _, death, values = host.wait_for("NDEATH")
        assert values == {"bdSeq": bd_seq} and not death.HasField("seq")
    finally:
        board.end(signal.SIGKILL)
        host.close()
        broker.kill()
