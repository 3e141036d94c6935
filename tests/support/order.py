"""A pytest plugin: the files that take longest go first, so that no process is left with one."""

import pytest

from tools.env import ROOT

# In this order, the longest first. All others take a few seconds at most.
_LONGEST = (
    "panel/test_browser.py",
    "interop/test_client_tcp_connections.py",
    "test_fuzz.py",
    "interop/test_poller_faults.py",
    "interop/test_poller_transports.py",
    "test_dev.py",
    "test_remote_io.py",
    "test_docs.py",
    "mpy/bus/test_rtu_background.py",
    "mpy/bus/test_rtu_noise.py",
    "mpy/client/test_client_late.py",
    "mpy/server/test_words.py",
    "mpy/client/test_client_replies.py",
    "test_app_kill.py",
    "test_flash.py",
    "test_install.py",
    "test_dist.py",
    "test_typing.py",
    "test_sizes.py",
    "test_release.py",
    "mpy/aio/test_aio_rtu_late.py",
    "mpy/aio/test_aio_tcp_client.py",
    "mpy/bus/test_rtu_random.py",
    "mpy/bus/test_rtu_adapter.py",
    "mpy/client/test_client_stream.py",
    "mpy/client/test_client_line.py",
    "mpy/app/test_app_check.py",
    "mpy/app/test_app_roles.py",
    "test_app_settings.py",
    "test_bridge.py",
    "test_app_mqtt.py",
    "interop/test_gateway_pymodbus.py",
    "test_examples.py",
    "test_flash_hostile.py",
    "test_flash_board.py",
    "test_readme.py",
)


def pytest_configure():
    """Make sure that the list above is about files that exist."""
    gone = [name for name in _LONGEST if not (ROOT / "tests" / name).exists()]
    if gone:
        raise pytest.UsageError(f"tests/support/order.py names {', '.join(gone)}")


def pytest_collection_modifyitems(items):
    """Put the tests in the order of their files."""
    ranks = {ROOT / "tests" / name: rank for rank, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
