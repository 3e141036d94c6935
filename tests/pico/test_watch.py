"""tools/pico.py and the program that it starts."""

import contextlib
import http.server
import os
import re
import signal
import subprocess
import sys
import threading

import minimalmodbus
import pytest

from tools.emulator.wire import frame
from tools import pico as command
from tools.emulator import firmware
from tools.env import ROOT, Trouble

_PATIENCE_S = 60


@contextlib.contextmanager
def watching(*args):
    """The running program and the path of its line; ended the way a terminal ends it."""
    start = [sys.executable, "-u", "-m", "tools.emulator.watch", *args]
    with subprocess.Popen(start, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        for line in program.stdout:
            found = re.search(r"Modbus RTU on (\S+) ", line)
            if found:
                break
        try:
            yield program, found[1]
        finally:
            program.send_signal(signal.SIGINT)
            try:
                program.tail = program.communicate(timeout=_PATIENCE_S)[0]
            except subprocess.TimeoutExpired:
                program.kill()
                raise


@pytest.mark.usefixtures("emulator")
def test_a_client_on_the_pseudo_terminal(firmware):
    with watching("--image", str(firmware), "--baudrate", "115200") as (program, path):
        client = minimalmodbus.Instrument(path, 1)
        client.serial.timeout = _PATIENCE_S
        client.write_bits(0, [0, 1])
        assert client.read_bits(0, 8, functioncode=1) == [0, 1, 0, 0, 0, 0, 0, 0]
        client.serial.close()
    assert program.returncode == 0
    told = [line.split(" ms  ") for line in program.tail.splitlines() if " ms  " in line]
    story = [what for _, what in told]
    assert story[0] == "master  " + frame(1, [15, 0, 0, 0, 2, 1, 2]).hex(" ")
    assert story[1:3] == ["GPIO 7 coil 1 high", "GPIO 2 direction high"]
    assert story[3].startswith(f"slave   {frame(1, [15, 0, 0, 0, 2]).hex(' ')}  (t3.5 +")
    assert story[4] == "GPIO 2 direction low"
    times = [float(when) for when, _ in told]
    assert times == sorted(times)


def test_firmware_is_made_absolute(tmp_path, monkeypatch):
    image = tmp_path / "firmware.uf2"
    image.write_bytes(b"UF2\nWQ]\x9e")
    monkeypatch.chdir(tmp_path)
    for given in (["--image", "firmware.uf2"], ["--image=firmware.uf2"]):
        args = command.with_image(["--baudrate", "9600", *given, "--slave-id", "3"])
        assert args == ["--baudrate", "9600", "--image", str(image), "--slave-id", "3"]
    monkeypatch.setenv("UMB_PICO_UF2", "firmware.uf2")
    assert command.with_image([]) == ["--image", str(image)]


def test_firmware_from_the_cache_of_the_emulator(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("UMB_PICO_UF2", raising=False)
    with pytest.raises(
        Trouble, match=r'no firmware .*: "python3 tools/dev.py pico --download" gets one'
    ):
        command.with_image([])
    cache = tmp_path / ".cache" / "rp2040py"
    cache.mkdir(parents=True)
    for name in ("20260406-v1.28.0", "20241025-v1.24.0", "20270101-v1.21.0"):
        (cache / f"RPI_PICO-{name}.uf2").touch()
    (cache / "RPI_PICO_W-20280101-v1.30.0.uf2").touch()
    newest = cache / "RPI_PICO-20260406-v1.28.0.uf2"
    assert command.with_image([]) == ["--image", os.fspath(newest)]
    monkeypatch.delenv("UMB_PICO_W_UF2", raising=False)
    wireless = cache / "RPI_PICO_W-20280101-v1.30.0.uf2"
    assert firmware.find_firmware(firmware.PICO_W) == wireless
    monkeypatch.setenv("UMB_PICO_W_UF2", os.fspath(newest))
    assert firmware.find_firmware(firmware.PICO_W) == newest


@pytest.fixture
def site(tmp_path, monkeypatch):
    """site(content): from now on the address of the firmware is a server here, which has that."""
    servers = []

    def serve(content):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if content else 404)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/RPI_PICO-20260406-v1.28.0.uf2"
        monkeypatch.setattr(firmware, "URL", url)

    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("UMB_PICO_UF2", raising=False)
    monkeypatch.setattr(firmware, "_DOWNLOADS", tmp_path / "downloads")
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_firmware_is_downloaded_if_that_is_asked_for(site, tmp_path):
    """Once: the next time it is there, whether that is asked for or not."""
    site(b"UF2\nWQ]\x9e")
    path = tmp_path / "downloads" / "RPI_PICO-20260406-v1.28.0.uf2"
    args = ["--bare", "--download", "--image", str(path)]
    assert command.with_image(["--bare", "--download"]) == args
    assert path.read_bytes() == b"UF2\nWQ]\x9e"
    site(b"")
    assert command.with_image(["--bare", "--download"]) == args
    assert command.with_image(["--bare"]) == ["--bare", "--image", str(path)]


@pytest.mark.parametrize("content", [b"", b"<html>please log in</html>"])
def test_firmware_that_cannot_be_downloaded(site, tmp_path, content):
    site(content)
    with pytest.raises(Trouble, match=r"no firmware: .*; get it in another way, and give it with"):
        command.with_image(["--download"])
    assert list(tmp_path.glob("downloads/*")) == []


@pytest.mark.parametrize("args", (["--image"], ["--image", "none.uf2"], ["--image=none.uf2"]))
def test_no_such_firmware(args):
    with pytest.raises(Trouble, match=r"needs a file|no such firmware"):
        command.with_image(args)


def test_a_file_that_is_no_firmware(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("# umb\n")
    with pytest.raises(Trouble, match=r"README.md is no firmware: a .uf2 file is needed"):
        command.with_image(["--image", str(page)])


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize(
    ("option", "value", "range_"),
    [("--slave-id", "999", "1 to 247"), ("--baudrate", "12", "300 to 921600")],
)
def test_numbers_out_of_range(option, value, range_, capsys):
    from tools.emulator import watch  # noqa: PLC0415 - only where the emulator is installed

    with pytest.raises(SystemExit):
        watch.parser().parse_args([option, value])
    assert f"{option}: must be {range_}, not {value}" in capsys.readouterr().err


def test_a_wrong_name_in_the_environment(monkeypatch):
    monkeypatch.setenv("UMB_PICO_UF2", "none.uf2")
    with pytest.raises(Trouble, match="names no file"):
        command.with_image([])
