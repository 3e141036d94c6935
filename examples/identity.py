"""A slave that says who it is (function codes 17 and 43/14), and what it has counted (8, 11, 12).

Board: mpremote run examples/identity.py
PC:    python3 tools/dev.py micropython examples/identity.py
"""

from sys import platform

from umb.functions.diagnostics import Diagnostics
from umb.functions.identity import Identity, ServerId
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

objects = {0: "Acme", 1: "M1", 2: "1.0", 3: "https://example.com", 4: "Meter"}
functions = (Identity(objects), ServerId("M1"), Diagnostics())
server = Server(Store(coils=8), slave_ids=(7,), functions=functions)
slave = RTUServer(UART, server, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
slave.serve_forever()
