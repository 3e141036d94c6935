"""The application at an MQTT broker, in its roles, on the unix port."""

import signal
import time

import pytest

from tests.support import brokers
from tests.support.device import FAIL_SAFE, OUTPUT, PINS_ID, STATE, Device, devices, wait_until
from tests.support.service import dev, free_port
from tools import board_libraries
from tools.env import ROOT

PROFILE = ROOT / "docs" / "profiles" / "waveshare_relay_8.json"
_CLIENT = "chumicro_mqtt"


@pytest.fixture
def broker(tmp_path):
    """A mosquitto; without it, or the client's library, the tests are skipped."""
    if not board_libraries.runs_here(_CLIENT):
        pytest.skip(f"{_CLIENT} needs Python 3.11")
    broker = brokers.mosquitto(tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def listener(broker):
    """A listener at it."""
    listener = brokers.Listener(broker.port)
    yield listener
    listener.close()


@pytest.fixture
def start(micropython, tmp_path, monkeypatch):
    """As devices(), with the client's library."""
    monkeypatch.setenv("MICROPYPATH", f"{board_libraries.folder(_CLIENT)}:.frozen")
    with devices(micropython, tmp_path) as start:
        yield start


def mqtt(broker, **settings):
    """The settings of the part for a broker."""
    return {"host": "127.0.0.1", "port": broker.port, "interval_ms": 100, "ntp": "", **settings}


def test_pins(start, broker, listener):
    device = start(
        {
            "name": "pump/house",
            "outputs": [0, None, {"pin": 2, "invert": True}],
            "inputs": [8],
            "analogues": [{"pin": 16, "scale": [-100, 400]}],
            "pwms": [{"pin": 20, "full": 1000}],
            "mqtt": mqtt(broker),
        }
    )
    topic = "umb/pump-house/"
    listener.wait_for(topic + "state", "online")
    listener.wait_for(topic + "io/output_2", "0")
    listener.wait(lambda: topic + "io/analogue_0" in listener.last)
    assert topic + "io/output_1" not in listener.last
    listener.publish(topic + "io/output_0/set", "1")
    listener.wait_for(topic + "io/output_0", "1")
    assert device.coils(OUTPUT, 1, slave_id=PINS_ID) == [1]
    listener.publish(topic + "io/pwm_0/set", "1001")
    listener.wait(lambda: topic + "io/pwm_0/error" in listener.last)
    listener.publish(topic + "io/pwm_0/set", "1000")
    listener.wait_for(topic + "io/pwm_0", "1000")
    assert device.holding(32, 1) == [1000]
    assert device.switch(0, 0) is None
    listener.wait_for(topic + "io/output_0", "0")
    listener.wait(lambda: "homeassistant/device/pump-2d-house/io/config" in listener.last)
    listener.wait(lambda: len(set(listener.texts(topic + "io/analogue_0"))) > 2)
    assert device.input_register(STATE) == 0


def test_commands_put_off_the_fail_safe_values(start, broker, listener):
    device = start({"outputs": [0], "failsafe_s": 3, "mqtt": mqtt(broker)})
    listener.wait_for("umb/umb-1/io/output_0", "0")
    listener.publish("umb/umb-1/io/output_0/set", "1")
    listener.wait_for("umb/umb-1/io/output_0", "1")
    until_s = time.monotonic() + 5
    while time.monotonic() < until_s:
        listener.publish("umb/umb-1/io/output_0/set", "1")
        time.sleep(0.3)
    assert listener.texts("umb/umb-1/io/output_0")[-1] == "1"
    listener.wait_for("umb/umb-1/io/output_0", "0")  # nobody asks any more
    wait_until(lambda: device.input_register(STATE) & FAIL_SAFE)


def test_a_poller(broker, listener):
    """As a new user tries it: a simulated device, polled, at a broker."""
    service = dev(
        # The simulated device is served one port above.
        *("run", "--role", "poller", "--profile", PROFILE, "--port", free_port(2)),
        *("--mqtt", f"127.0.0.1:{broker.port}"),
    )
    try:
        topic = "umb/umb-1/waveshare_relay_8/"
        listener.wait_for(topic + "state", "online")
        listener.wait_for(topic + "relay_1", "0")
        listener.publish(topic + "relay_1/set", "ON")
        listener.wait_for(topic + "relay_1", "1")
        service.wait_for("written: relay_1 = 1")
    finally:
        assert service.end(signal.SIGINT) == 0, service.lines
    listener.wait_for("umb/umb-1/state", "offline")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"host": ""}, "mqtt.host must be a text of 1 to 253 bytes, not"),
        ({}, "mqtt.host must be a text of 1 to 253 bytes, and is missing"),
        ({"host": "127.0.0.1", "password": "x"}, "mqtt: password must be text, together with"),
        ({"host": "127.0.0.1", "tls": "/nowhere.crt"}, "mqtt: "),
        ({"host": "127.0.0.1", "tls": 5}, "mqtt.tls must be true, false, or the path"),
        ({"host": "127.0.0.1", "name": "a/b"}, "mqtt.name must be a text of 64 bytes"),
        ({"host": "127.0.0.1", "port": -1}, "mqtt.port must be a number"),
        ({"host": "127.0.0.1", "password": 12345}, "mqtt.password must be a text"),
        ({"host": "127.0.0.1", "who": 1}, "mqtt: unknown setting"),
        (5, "mqtt must be an object"),
    ],
)
def test_settings_that_cannot_be_used(start, settings, problem):
    """They are told once, without the password, and the board serves Modbus all the same."""
    if not board_libraries.runs_here(_CLIENT):
        pytest.skip(f"{_CLIENT} needs Python 3.11")
    device = start({"mqtt": settings})
    (told,) = [line for line in device.slave.lines if "mqtt" in line]
    assert problem in told
    assert not any("12345" in line for line in device.slave.lines)
    assert len(device.coils(0, 8)) == 8


def test_without_the_library(micropython, tmp_path):
    device = Device(micropython, tmp_path, {"mqtt": {"host": "127.0.0.1"}})
    (told,) = [line for line in device.slave.lines if "mqtt" in line]
    assert told == "settings: mqtt: the library chumicro_mqtt is not installed"
    assert len(device.coils(0, 8)) == 8
    assert device.end() == 0
