"""A pytest plugin: --long, for tests that take a part of their inputs without it."""

import os


def pytest_addoption(parser):
    parser.addoption(
        "--long",
        action="store_true",
        help="take all inputs of the tests that run in MicroPython, not an even part of them",
    )


def pytest_configure(config):
    """Tell the MicroPython processes, whose tests use support.spread()."""
    if config.getoption("long"):
        os.environ["UMB_LONG"] = "1"
