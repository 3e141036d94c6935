"""Interface: what WiFi and wired networks have in common."""


class Interface:
    """The interface of a board to its network.

    address   the IP address under which the board can be asked; "": there is none
    is_up     whether it is in the network that the settings name
    """

    def __init__(self, name, nic, settings, say):
        self._name = name  # for messages
        self._nic = nic  # the object of the module network
        self._settings = settings
        self._say = say
        self.address = ""
        self.is_up = False

    def _fix_address(self):
        """Set the fixed address, if the settings have one. Without it DHCP finds one."""
        settings = self._settings
        if settings["address"]:
            gateway = settings["gateway"] or settings["address"]
            self._nic.ifconfig((settings["address"], settings["netmask"], gateway, gateway))

    def tick(self):
        """Look whether it is connected; to be called once a second. Returns is_up."""
        if self._nic.isconnected():
            self._announce(self._nic.ifconfig()[0], self._name)
            self.is_up = True
        elif self.is_up:
            self.is_up = False
            self.address = ""
            self._say(self._name + " is down")
        return self.is_up

    def _announce(self, address, name):
        """Take an address, and print it if it is a new one."""
        if address != self.address:
            self.address = address
            port = self._settings["tcp_port"]
            self._say("{} is up: Modbus TCP on {}:{}".format(name, address, port))
