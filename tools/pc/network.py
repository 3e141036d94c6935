"""network, for programs of boards that run on a PC: it is connected all the time."""

STA_IF, AP_IF = 0, 1


class WLAN:
    """The PC's own network, which listens at 127.0.0.1."""

    IF_STA, IF_AP = STA_IF, AP_IF

    def __init__(self, interface=STA_IF):
        self._interface = interface

    def active(self, is_active=True):
        return True

    def connect(self, ssid=None, key=None, **_):
        pass

    def disconnect(self):
        pass

    def isconnected(self):
        return True

    def status(self, param=None):
        return 3

    def config(self, *_, **__):
        return None

    def ifconfig(self):
        return "127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1"

    def ipconfig(self, name=None):
        return "127.0.0.1", "255.0.0.0"


def hostname(name=None):
    return "localhost"


def country(code=None):
    return "XX"
