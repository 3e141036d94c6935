"""What "serving" promises: from then on requests are answered at once."""

import sys

import support.app
from support.app import use

from app import config, loading
from app import main as main_module
from app import start as start_module

modules = []


def note(text):
    """Note which modules are loaded when the application says that it serves."""
    if text.startswith("serving"):
        modules.extend(sys.modules)


def modules_of(name, **raw):
    """Return the modules that are loaded on a board when the application says that it serves."""
    loading.read = lambda _: raw
    config.write = None
    main_module.os = start_module.os = support.app.System()
    main_module.say = note
    modules.clear()
    main_module.start(use(name)).close()
    return modules


def test_the_loop_of_a_network_is_loaded_before():
    assert "app.tasks" not in modules_of("RPI_PICO")
    loaded = modules_of("RPI_PICO_W", ssid="net", password="wpa2 secret", tcp_port=15098)
    for name in ("app.tasks", "umb.aio", "asyncio"):
        assert name in loaded, name
