"""Kind "client-ascii": as client_line.py, with frames of Modbus ASCII."""

from fuzz import client_line
from fuzz.client_line import play


def draw(seed):
    """A case of a client."""
    return client_line.draw(seed, _draw_line)


def _draw_line(rng):
    setup = client_line.draw_line(rng)
    setup["ascii"] = True
    return setup


__all__ = ("draw", "play")
