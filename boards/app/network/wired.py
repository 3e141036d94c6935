"""Wired: the board at a cable, with the PHY of an ESP32 or a W5500 beside an RP2040."""

import network
from machine import Pin

from .interface import Interface

_PINS = ("mdc", "mdio", "power", "ref_clk")  # the keys of a board's LAN that are pins


class Wired(Interface):
    """A board's Ethernet. The driver sees whether the cable is in, and connects again by itself.

    Raises what the port raises where there is none.
    """

    def __init__(self, board, settings, say):
        if settings["hostname"]:
            network.hostname(settings["hostname"])  # before the interface is active
        nic = network.WIZNET5K() if settings["network"] == "w5500" else open_lan(board.LAN)
        super().__init__("Ethernet", nic, settings, say)
        nic.active(True)
        self._fix_address()  # a W5500 forgets what it was told before


def open_lan(described):
    """Return network.LAN of a PHY as a board.py describes it."""
    options = dict(described)
    for key in _PINS:
        options[key] = Pin(options[key])
    options["phy_type"] = getattr(network, options["phy_type"])
    options["ref_clk_mode"] = getattr(Pin, options["ref_clk_mode"])
    return network.LAN(**options)
