"""Many requests in a row: none is lost, none is slow, and the heap stays as it is."""

from statistics import median

import pytest

from tests.pico.cases import READ_10, WRITE_10
from tools.emulator.wire import Format

_FORM = Format(115200)
_SLOW_LIMIT_US = 1000
_RAM_LIMIT = 23_650  # what it takes, and a little: the goal is 12 KB
_NAMES_LIMIT = 230


def check_run(emulator, pico, figures, requests):
    """Reads and writes in turn; the slave counts its own heap."""
    cases = [READ_10, WRITE_10] * (requests // 2)
    exchanges, served, idle = emulator.heap_bytes(pico, _FORM, [case.request for case in cases])
    answered = sum(
        exchange.reply == case.reply for case, exchange in zip(cases, exchanges, strict=False)
    )
    delays_us = [exchange.late_us for exchange in exchanges]
    slowest_us = max(delays_us) - median(delays_us)
    figures.note("heap bytes, 500 requests", served)
    figures.note("heap bytes while idle", idle)
    assert answered == requests
    assert min(delays_us) >= 0
    assert slowest_us <= _SLOW_LIMIT_US
    assert served == 0
    assert idle == 0
    return answered, slowest_us


def test_run(emulator, pico, figures):
    check_run(emulator, pico, figures, 20)


@pytest.mark.long_pico
def test_long_run(emulator, pico, figures):
    answered, slowest_us = check_run(emulator, pico, figures, 500)
    figures.note("500 requests: answered", answered)
    figures.note("500 requests: slowest over the median, us", slowest_us)


def test_ram(fresh_pico, figures):
    """A slave with four areas takes no more than this, and its requests take nothing."""
    _, ram = fresh_pico
    figures.note("RAM, a slave with four areas, .mpy, bytes", ram.used)
    figures.note("interned names of such a slave", ram.names)
    assert ram.used - ram.made <= 0
    assert ram.used <= _RAM_LIMIT
    assert ram.names <= _NAMES_LIMIT
