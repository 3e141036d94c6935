"""Pictures of the page of a poller, for the documentation: --screenshots writes them anew."""

import json
import signal
import time

import pytest

from tests.support.web import PASSWORD
from tests.support.service import dev, free_port
from tools.env import ROOT

_IMAGES = ROOT / "docs" / "images"
_PROFILE = ROOT / "docs" / "profiles" / "eastron_sdm230.json"
_RELAYS = [
    {"name": "pump", "address": 0, "input_type": "coil", "writable": True},
    {"name": "valve", "address": 1, "input_type": "coil", "writable": True},
    {
        "name": "set point",
        "address": 0,
        "scale": 0.1,
        "writable": True,
        "min_value": 5,
        "max_value": 30,
        "unit_of_measurement": "°C",
    },
]
_SIZES = {"wide": (1100, 760), "phone": (390, 780)}
# (name of the file, colours, size, view)
_PICTURES = (
    ("panel-overview", "light", "wide", "Overview"),
    ("panel-points", "light", "wide", "Points"),
    ("panel-buses", "light", "wide", "Buses"),
    ("panel-settings", "dark", "wide", "Settings"),
    ("panel-phone", "dark", "phone", "Points"),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The page of a poller with two devices, both of which are simulated."""
    meter, relays, own, page = (free_port() for _ in range(4))
    settings = {
        "role": "poller",
        "name": "Pump house",
        "slave_id": 100,
        "devices": [
            {
                "name": "meter",
                "slave_id": 1,
                "host": "127.0.0.1",
                "port": meter,
                "points": str(_PROFILE),
                "interval_ms": 500,
            },
            {
                "name": "relays",
                "slave_id": 2,
                "host": "127.0.0.1",
                "port": relays,
                "points": _RELAYS,
                "interval_ms": 500,
            },
        ],
    }
    file = tmp_path_factory.mktemp("screenshots") / "umb.json"
    file.write_text(json.dumps(settings))
    services = [
        dev("run", "--profile", str(_PROFILE), "--port", str(meter)),
        dev("run", "--port", str(relays), "--slave-id", "2"),
    ]
    for one in services:
        one.wait_for("Ctrl-C")
    words = ("--config", str(file), "--port", str(own))
    services.append(dev("run", *words, f"--panel={page}", "--panel-password", PASSWORD))
    services[-1].wait_for("Ctrl-C")
    yield f"http://127.0.0.1:{page}/"
    for one in services:
        one.end(signal.SIGTERM)


def test_pictures(browser, url, tmp_path, pytestconfig):
    folder = _IMAGES if pytestconfig.getoption("screenshots") else tmp_path
    for name, scheme, size, view in _PICTURES:
        width, height = _SIZES[size]
        viewport = {"width": width, "height": height}
        context = browser.new_context(color_scheme=scheme, viewport=viewport)
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector("#link.good", timeout=20_000)
        page.click("#sign")
        page.fill("#password", PASSWORD)
        page.click("#login-form .main")
        page.get_by_role("button", name="Sign out").wait_for()
        page.click(f"nav >> text={view}")
        page.wait_for_selector(f"#{view.lower()}:not([hidden])")
        if view == "Points":
            page.get_by_role("switch", name="pump", exact=True).wait_for()
            page.wait_for_selector("[aria-label=pump]:enabled")
            if folder is _IMAGES:
                time.sleep(40)  # so that there is something to plot
        page.screenshot(path=folder / f"{name}.png")
        context.close()
    assert len(list(folder.glob("panel-*.png"))) >= len(_PICTURES)
