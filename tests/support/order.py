"""A pytest plugin: the files that take longest go first, so that no process is left with one."""

import pytest

from tools.env import ROOT

# In this order, the longest first. All others take a few seconds at most.
_LONGEST = (
    "interop/test_poller_faults.py",
    "mpy/client/test_client_late_adapter.py",
    "interop/test_poller_transports.py",
    "interop/test_client_tcp_connections.py",
    "mpy/bus/test_rtu_background.py",
    "mpy/client/test_client_late.py",
    "mpy/bus/test_rtu_noise.py",
    "mpy/bus/test_rtu_two_lines.py",
    "mpy/bus/test_rtu_random.py",
    "test_remote_io.py",
    "test_app_kill.py",
    "test_dev.py",
    "test_fuzz.py",
    "test_release.py",
    "test_app_settings.py",
    "mpy/poller/test_poller_plan.py",
    "mpy/server/test_every_value.py",
    "mpy/gateway/test_gateway_shared.py",
    "mpy/client/test_client_replies.py",
    "mpy/client/test_heap_client.py",
    "interop/test_gateway_pymodbus.py",
    "test_docs.py",
    "test_install.py",
    "test_examples.py",
    "test_flash.py",
    "test_flash_board.py",
    "test_dist.py",
    "test_typing.py",
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
