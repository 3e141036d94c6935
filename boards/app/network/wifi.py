"""WiFi: the board in a wireless network, or with one of its own for as long as that is away."""

import network
from micropython import const

from .interface import Interface

_LONGEST_ATTEMPT_S = const(20)  # an attempt to connect that takes longer is begun anew
# With clients at its own access point it looks for the network less often: meanwhile a radio,
# which hears one channel at a time, does not hear them.
_ATTEMPT_BESIDE_OWN_S = const(60)
_PATIENCE_S = const(600)  # so long the network has to be away
_REASONS = (  # names of network, where a port has them, and what they mean
    ("STAT_WRONG_PASSWORD", ": it refuses the password"),
    ("STAT_NO_AP_FOUND", ": it is not in reach"),
)


class WiFi(Interface):
    """The board's WiFi as a station.

    With the setting `ap_password` it is an access point as well when the network has not been
    there for ten minutes, until it is back. Raises OSError where the radio cannot be had.
    """

    def __init__(self, settings, say):
        if settings["hostname"]:
            network.hostname(settings["hostname"])
        super().__init__("WiFi", network.WLAN(network.STA_IF), settings, say)
        self._access_point = network.WLAN(network.AP_IF)
        self._serves_own = False
        self._waited_s = 0  # in this attempt
        self._away_s = 0  # without the network
        if self._access_point.active():  # of an earlier run; esp8266 has one when it is new
            self._access_point.active(False)
        self._nic.active(True)
        try:
            self._nic.config(pm=self._nic.PM_NONE)  # with power management it answers late
        except (AttributeError, OSError, ValueError):
            pass
        self._fix_address()
        self._connect()

    def _connect(self):
        """Begin to connect, without waiting."""
        self._waited_s = 0
        settings = self._settings
        try:
            self._nic.connect(settings["ssid"], settings["password"] or None)
        except OSError as error:  # esp32: it is connecting already
            self._say("WiFi: {}".format(error))

    def tick(self):
        """Look whether it is connected, and try again if it is not; returns is_up."""
        if super().tick():
            self._waited_s = self._away_s = 0
            if self._serves_own:
                self._end_own()
            return True
        self._waited_s += 1
        self._away_s += 1
        if self._away_s >= _PATIENCE_S and self._settings["ap_password"] and not self._serves_own:
            self._begin_own()
        if self._waited_s >= (_ATTEMPT_BESIDE_OWN_S if self._serves_own else _LONGEST_ATTEMPT_S):
            ssid = self._settings["ssid"]
            self._say('WiFi: still looking for "{}"{}'.format(ssid, self._reason()))
            try:
                self._nic.disconnect()
            except OSError:
                pass
            self._connect()
        return False

    def _reason(self):
        """Return why it is not connected, "" if the radio does not tell."""
        status = self._nic.status()
        for name, reason in _REASONS:
            if getattr(network, name, None) == status:
                return reason
        return ""

    def _begin_own(self):
        """Be an access point; if that fails, ten minutes later."""
        self._away_s = 0
        own = self._access_point
        try:
            options = {"key": self._settings["ap_password"], "security": own.SEC_WPA_WPA2}
            options["ssid"] = self._own_name()
            try:
                own.config(**options)  # first: it must not be open for a moment
                own.active(True)
            except OSError:  # some versions for esp32 take this only from one that is active
                own.active(True)
                own.config(**options)
            address = own.ifconfig()[0]
        except (AttributeError, OSError, ValueError) as error:
            self._say("WiFi of its own: {}".format(error))
            self._leave_own()
            return
        self._serves_own = True
        self._announce(address, 'WiFi of its own, "{}",'.format(options["ssid"]))

    def _own_name(self):
        """Return the name of its own network: that of the board, or umb- and a part of its MAC."""
        mac = self._nic.config("mac")
        return self._settings["hostname"] or "umb-{:02x}{:02x}{:02x}".format(*tuple(mac)[3:])

    def _end_own(self):
        self._serves_own = False
        self._leave_own()
        self._say("WiFi of its own has ended")

    def _leave_own(self):
        try:
            self._access_point.active(False)
        except OSError as error:
            self._say("WiFi of its own: {}".format(error))
