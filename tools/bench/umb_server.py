"""What is measured: a TCPServer on the MicroPython unix port. Argument: the port."""

import sys

from umb.server import Server
from umb.server.tcp import TCPServer
from umb.store import Store

_STORE = Store(coils=2000, discrete_inputs=2000, input_registers=200, holding_registers=200)
TCPServer(("127.0.0.1", int(sys.argv[1])), Server(_STORE)).serve_forever()
