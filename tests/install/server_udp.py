"""A Modbus UDP server at 127.0.0.1, port argv[1]."""

import sys

from device import make

from umb.server.udp import UDPServer

server = UDPServer(("127.0.0.1", int(sys.argv[1])), make())
print("ready")
server.serve_forever()
