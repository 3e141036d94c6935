"""WiFi that comes and goes, while everything else goes on."""

import network
from micropython import const

_LONGEST_ATTEMPT_S = const(20)  # an attempt to connect that takes longer is begun anew


class WiFi:
    """The board's WiFi as a station. say(text) prints its changes.

    `address` is the IP address while it is connected, else empty. Raises OSError where the radio
    cannot be had.
    """

    def __init__(self, settings, say):
        self._settings = settings
        self._say = say
        self._waited_s = 0
        self.address = ""
        if settings["hostname"]:
            network.hostname(settings["hostname"])
        self._wlan = wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        try:
            wlan.config(pm=wlan.PM_NONE)  # with power management it answers late
        except (AttributeError, OSError, ValueError):
            pass
        if settings["address"]:
            gateway = settings["gateway"] or settings["address"]
            wlan.ifconfig((settings["address"], settings["netmask"], gateway, gateway))
        self._connect()

    def _connect(self):
        """Begin to connect, without waiting."""
        self._waited_s = 0
        settings = self._settings
        try:
            self._wlan.connect(settings["ssid"], settings["password"] or None)
        except OSError as error:  # esp32: it is connecting already
            self._say("WiFi: {}".format(error))

    def tick(self):
        """Look whether it is connected, and try again if it is not; to be called once a second."""
        if self._wlan.isconnected():
            self._waited_s = 0
            address = self._wlan.ifconfig()[0]
            if address != self.address:
                self.address = address
                self._say(
                    "WiFi is up: Modbus TCP on {}:{}".format(address, self._settings["tcp_port"])
                )
            return
        if self.address:
            self.address = ""
            self._say("WiFi is down")
        self._waited_s += 1
        if self._waited_s >= _LONGEST_ATTEMPT_S:
            self._say('WiFi: still looking for "{}"'.format(self._settings["ssid"]))
            try:
                self._wlan.disconnect()
            except OSError:
                pass
            self._connect()
