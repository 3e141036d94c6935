"""The settings of the optional part "panel". CPython runs this, too."""


def _wanted_password(value):
    """Return what the hash of a password has to be, as words; "" if it is that, or empty."""
    parts = value.split(":") if isinstance(value, str) else ()
    good = len(parts) == 3 and parts[0].isdigit() and len(parts[0]) <= 7 and len(parts[2]) == 64
    digits = good and not (parts[1] + parts[2]).strip("0123456789abcdef")
    if value == "" or (digits and parts[1] and len(parts[1]) % 2 == 0 and int(parts[0])):
        return ""
    return "what flash.py --panel-password writes there"


SETTINGS = {"port": (80, 1, 65535), "password": ("", _wanted_password)}
NEEDED = ()
