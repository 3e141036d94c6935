"""The settings of the optional part "mqtt". CPython runs this, too."""

from ..check import size_of

_LONGEST_S = 86_400


def _wanted_tls(value):
    good = value is False or value is True or (isinstance(value, str) and value)
    return "" if good else "true, false, or the path of a certificate"


def _wanted_level(value):
    """Return what a part of a topic has to be, as words; "" if it is that, or empty."""
    size = size_of(value)
    good = size is not None and size <= 64 and not any(c in value for c in "/+#\0")
    return "" if good else "a text of 64 bytes at most without /, + and #"


SETTINGS = {
    "host": ("", 1, 253),
    "port": (0, 0, 65535),  # 0: 1883, with TLS 8883
    "user": ("", 0, 128),
    "password": ("", 0, 128),
    "tls": (False, _wanted_tls),
    "name": ("", _wanted_level),
    "discovery": ("homeassistant", _wanted_level),
    "json": (False,),
    "interval_ms": (1000, 0, _LONGEST_S * 1000),
    "period_s": (60, 0, _LONGEST_S),
    "ntp": ("pool.ntp.org", 0, 253),
}
NEEDED = ("host",)
