"""What an errno means, in words, in the numbering of every port."""

import errno
import sys

from umb.port import errnos

_MODULE = "umb.port.errnos"


class Newlib:
    """Stands for the module errno of esp32, which has the numbers of its compiler."""

    ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENOENT, ETIMEDOUT = 111, 104, 118, 2, 116
    errorcode = {111: "ECONNREFUSED"}  # noqa: RUF012 - a module has it like this


def words(numbers, failure):
    for number in numbers:
        text = failure(number)
        assert " " in text and not text.startswith("error "), (number, text)


def test_networks_and_hosts_that_are_away():
    words((99, 100, 101, errno.EHOSTUNREACH), errnos.failure)
    assert errnos.failure(12345) == "error 12345"
    assert errnos.failure(errno.EINPROGRESS) == "EINPROGRESS"


def test_the_numbers_of_esp32():
    there = sys.modules.get("errno", errno)
    sys.modules["errno"] = Newlib
    names = {}
    try:
        with open("umb/port/errnos.py") as file:
            exec(file.read(), names)
    finally:
        sys.modules["errno"] = there
    words((114, 115, 118, 125), names["failure"])
    assert names["failure"](100) == "error 100"
