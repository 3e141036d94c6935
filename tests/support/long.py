"""A pytest plugin with the options --long and --screenshots."""

import os


def pytest_addoption(parser):
    parser.addoption(
        "--long",
        action="store_true",
        help="take all inputs of tests that have many, not an even part of them",
    )
    parser.addoption(
        "--screenshots",
        action="store_true",
        help="write the pictures of the page for browsers in docs/images anew",
    )


def pytest_configure(config):
    """Tell the MicroPython processes, whose tests use support.spread()."""
    if config.getoption("long"):
        os.environ["UMB_LONG"] = "1"
