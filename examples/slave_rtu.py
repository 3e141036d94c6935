"""A slave on an RS-485 bus: slave id 7, 19200 8E1, 8 coils, 2 input registers.

Board: mpremote run examples/slave_rtu.py
PC:    python3 tools/dev.py micropython examples/slave_rtu.py
       It prints the other end of the line; master_rtu.py asks it there.
"""

from sys import platform

from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

store = Store(coils=8, input_registers=[230, 17])
server = Server(store, slave_ids=(7,))
slave = RTUServer(UART, server, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
slave.serve_forever()
