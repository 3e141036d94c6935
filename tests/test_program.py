"""dev.py micropython: programs of boards on a PC, and the stand-ins for what a board has."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.pc import PC
from tests.support.service import dev
from tools.env import ROOT

PINS = """
import time

from machine import ADC, PWM, Pin, Signal, Timer
import network

led = Pin(25, Pin.OUT, value=1)
print("same pin:", Pin(25).value(), Pin("25")())
led.toggle()
print("toggled:", Pin(25).value())
print("pulled up:", Pin(14, Pin.IN, Pin.PULL_UP).value(), Pin(14, Pin.IN, Pin.PULL_DOWN).value())
relay = Signal(led, invert=True)
relay.on()
print("inverted:", relay.value(), led.value())
print("analogue:", 0 <= ADC(26).read_u16() <= 65535)
calls = []
timer = Timer(period=5, callback=calls.append)
once = Timer(mode=Timer.ONE_SHOT, period=1, callback=lambda timer: print("once"))
time.sleep_ms(100)
timer.deinit()
count = len(calls)
time.sleep_ms(30)
print("timer:", 5 <= count <= 21, len(calls) == count, calls[0] is timer)
fan = PWM(Pin(10), freq=500)
fan.duty_u16(1000)
print("PWM:", fan.freq(), fan.duty_u16())
print("network:", network.WLAN(network.STA_IF).isconnected())
"""


@pytest.fixture
def start(micropython):
    """Start dev.py micropython with arguments; ended whatever happens."""
    running = []

    def begin(*arguments, **named):
        running.append(dev("micropython", *arguments, env={"MICROPYTHON": micropython}, **named))
        return running[-1]

    yield begin
    for service in running:
        service.end(signal.SIGKILL)


def test_stand_ins(micropython, tmp_path):
    with PC(micropython, tmp_path) as pc:
        program = pc.start(PINS)
        assert program.wait() == 0, "\n".join(program.lines)
    assert program.lines == [
        "same pin: 1 1",
        "toggled: 0",
        "pulled up: 1 0",
        "inverted: 1 0",
        "analogue: True",
        "once",
        "timer: True True True",
        "PWM: 500 1000",
        "network: True",
    ]


def test_arguments_and_exit_status(start, tmp_path):
    path = tmp_path / "program.py"
    path.write_text("import sys\nprint(sys.argv[1:], __name__)\nsys.exit(3)\n")
    program = start(path, "one", "--uart")
    assert program.wait() == 3
    assert program.lines == ["['one', '--uart'] __main__"]


def test_a_program_beside_the_checkout_finds_umb(start, tmp_path):
    (tmp_path / "umb").symlink_to(ROOT)  # a folder that is called as the package is
    (tmp_path / "helper.py").write_text("VALUE = 7\n")
    path = tmp_path / "program.py"
    path.write_text("import umb.server\nimport helper\nprint(umb.server.__name__, helper.VALUE)\n")
    program = start(path)
    assert program.wait() == 0, "\n".join(program.lines)
    assert program.lines == ["umb.server 7"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nothing.py",), "there is no file nothing.py"),
        (("--uart", "7=/dev/null"), "--uart takes N=DEVICE"),
        (("--uart", "/dev/null"), "--uart takes N=DEVICE"),
        (("--uart", "0=/dev/nothing"), "there is no device /dev/nothing"),
    ],
)
def test_refusals(start, arguments, text):
    program = start(*arguments)
    assert program.wait() == 2
    assert len(program.lines) == 1
    assert text in program.lines[0]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_its_end(start, signum):
    program = start(ROOT / "examples" / "slave_rtu.py")
    program.wait_for("UART 0 is")
    task = Path(f"/proc/{program.process.pid}/task/{program.process.pid}/children")
    (child,) = task.read_text().split()
    program.end(signum)
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{child}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child}")
    assert not re.search("KeyboardInterrupt|Traceback", "".join(program.lines))
    if signum == signal.SIGINT:
        assert program.process.returncode == 130


def test_a_prompt(micropython):
    done = subprocess.run(
        ["script", "-qec", "python3 tools/dev.py micropython", "/dev/null"],
        cwd=ROOT,
        input="from umb.words import U32, get\nget([1, 2], 0, U32)\n\x04",
        env={**os.environ, "MICROPYTHON": micropython},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "65538" in done.stdout
