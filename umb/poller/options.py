"""What Poller.device() is given: whether it is right."""

from micropython import const

from ..check import integer
from ..client import boolean
from ..points import AREAS, Points

_LONGEST_INTERVAL_MS = const(500_000_000)  # ticks_ms() wraps after a bit more


def check_device(devices, slave_id, points):
    """Raise ValueError unless this slave can be polled for these points, beside these devices."""
    integer("slave_id", slave_id, 0, 255)
    for device in devices:
        if device.slave_id == slave_id:
            raise ValueError("slave %d is polled already: give it all its points" % slave_id)
    if not isinstance(points, Points):
        raise ValueError("points must be Points, not %r" % (points,))
    if not len(points):
        raise ValueError("points must be Points that have some: there are none in these")


def check(interval_ms, max_gap, max_span, ranges, options):
    """Raise ValueError unless these are what Poller.device() takes.

    options   (pause_ms, timeout_ms, priority, max_age_ms, strict)
    """
    pause_ms, timeout_ms, priority, max_age_ms, strict = options
    integer("interval_ms", interval_ms, 10, _LONGEST_INTERVAL_MS)
    if max_gap is not None:
        integer("max_gap", max_gap, 0, 65535)
    integer("max_span", max_span, 1, 125)
    if ranges is not None:
        check_ranges(ranges)
    integer("pause_ms", pause_ms, 0, _LONGEST_INTERVAL_MS)
    integer("timeout_ms", timeout_ms, 1, _LONGEST_INTERVAL_MS)
    integer("priority", priority, -100, 100)
    if max_age_ms is not None:
        integer("max_age_ms", max_age_ms, 1, _LONGEST_INTERVAL_MS)
    boolean("strict", strict)


def check_ranges(ranges):
    """Raise ValueError unless these are ranges of addresses, as Poller.device() takes them."""
    if not isinstance(ranges, dict):
        raise ValueError("ranges must be a dict such as {'input': [(0, 99)]}, not %r" % (ranges,))
    for name in ranges:
        if name not in AREAS:
            raise ValueError("ranges has no %r, only %s" % (name, ", ".join(AREAS)))
        if not isinstance(ranges[name], (list, tuple)):
            raise ValueError("ranges of %r must be a list, not %r" % (name, ranges[name]))
        for one in ranges[name]:
            if not (
                isinstance(one, (tuple, list))
                and len(one) == 2
                and isinstance(one[0], int)
                and isinstance(one[1], int)
                and 0 <= one[0] <= one[1] <= 65535
            ):
                raise ValueError("a range must be (first address, last address), not %r" % (one,))
