"""A Modbus TCP server at 127.0.0.1, port argv[1]."""

import sys

from device import make

from umb.server.tcp import TCPServer

server = TCPServer(("127.0.0.1", int(sys.argv[1])), make())
print("ready")
server.serve_forever()
