"""A slave that speaks Modbus ASCII, with 7 data bits, as the specification has it: 9600 7E1.

Board: mpremote run examples/slave_ascii.py
PC:    python3 tools/dev.py micropython examples/slave_ascii.py
"""

from sys import platform

from umb.frame.ascii import ASCII
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

server = Server(Store(holding_registers=10), slave_ids=(7,))
slave = RTUServer(UART, server, baudrate=9600, bits=7, parity=0, tx=TX, rx=RX, de=DE, framer=ASCII)
slave.serve_forever()
