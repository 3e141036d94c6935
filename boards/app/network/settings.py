"""The settings of boards with a network. CPython runs this, too."""

from ..check import is_address

_MOST_HOSTS = 32
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


def _wanted_hosts(value):
    from umb.port.hosts import host_filter

    try:
        if isinstance(value, list) and len(value) <= _MOST_HOSTS:
            host_filter(value)
            return ""
    except ValueError:
        pass
    return 'null, or a list of addresses and networks, such as "10.0.0.0/24"'


def _wanted_address(value):
    return "" if is_address(value) else "an address like 192.168.0.10"


def _wanted_mask(value):
    """Return what a netmask has to be, as words; "" if it is that: ones, then zeros."""
    if is_address(value):
        bits = 0
        for part in value.split("."):
            bits = bits << 8 | int(part)
        zeros = ~bits & 0xFFFFFFFF
        if bits and not zeros & zeros + 1:
            return ""
    return "a netmask like 255.255.255.0"


def _wanted_hostname(value):
    """Return what a hostname has to be, as words; "" if it is that (RFC 1123)."""
    good = isinstance(value, str) and 0 < len(value) <= 32
    if good and value.strip("-") + value.strip(_LETTERS + _LETTERS.upper()) == value:
        return ""
    return "32 letters, digits and hyphens at most"


SETTINGS = {
    "network": ("none", ("none",)),  # see table_of()
    "tcp_port": (502, 1, 65535),
    "udp_port": (0, 0, 65535),
    "rtu_tcp_port": (0, 0, 65535),
    "bind": ("0.0.0.0", _wanted_address),
    "allow": (None, _wanted_hosts),
    "read_only": (False,),
    "settings": ("locked", ("locked", "open")),
    "idle_timeout_s": (600, 0, 65535),
    "ssid": ("", 0, 32),
    "password": ("", 8, 63),  # so WPA2 has it; empty: an open network
    "ap_password": ("", 8, 63),
    "hostname": ("", _wanted_hostname),
    "address": ("", _wanted_address),
    "netmask": ("255.255.255.0", _wanted_mask),
    "gateway": ("", _wanted_address),
}


def table_of(board):
    """Return SETTINGS with the networks of this board: the first one is the default."""
    table = dict(SETTINGS)
    table["network"] = (board.NETWORKS[0], board.NETWORKS + ("none",))
    return table


def take(checked):
    """Take the settings of the network: `checked` is a Checked of check.py."""
    settings = checked.settings
    checked.take(table_of(checked.board), checked.raw, settings)
    if settings["ssid"] and settings["network"] != "wifi":
        what = 'ssid: the network is "{}", not "wifi"'.format(settings["network"])
        checked.report(what, "it is ignored")


def is_wanted(settings):
    """Return whether a board with these settings is to be in a network."""
    kind = settings.get("network", "none")
    return kind != "none" and (kind != "wifi" or bool(settings["ssid"]))
