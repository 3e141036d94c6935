"""Classes made from umb's have all of their base, what umb has in second halves, too."""

from support_tcp import free_port

from umb.server import Server
from umb.server.tcp import TCPServer

# First of all in this process: once a half is loaded, every class has it.
_SOURCE = """
class Mine(TCPServer):
    def shutdown(self):
        self.told = True
        super().shutdown()

    def server_close(self):
        super().server_close()
        self.closed = True


class Device(Server):
    def special(self, adu, n, slave_id, link):
        return super().special(adu, n, slave_id, link)
"""


def test_in_a_module_whose_name_begins_like_ours():
    module = {"__name__": "umbrella", "TCPServer": TCPServer, "Server": Server}
    exec(_SOURCE, module)

    def listen(port):
        return module["Mine"](("127.0.0.1", port), module["Device"]())

    mine, _ = free_port(listen)
    mine.shutdown()
    assert mine.told and mine.stopping
    adu = bytearray(262)
    adu[6:8] = b"\x01\x63"
    assert mine.server.special(adu, 1, 1, None) == -1
    mine.server_close()
    assert mine.closed
