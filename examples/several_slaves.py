"""Two slaves behind one line, a pump with id 1 and a valve with id 2; both in a network as well.

Board: without a network leave out the TCPServer; mpremote run examples/several_slaves.py
PC:    python3 tools/dev.py micropython examples/several_slaves.py
       It listens at port 5020, a board at 502.
"""

from sys import platform

from umb.serve import serve
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.store import Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)
PORT = 5020 if platform == "linux" else 502

pump = Store(coils=4, holding_registers=10)
valve = Store(coils=2, input_registers=[50])
server = Server(pump, slave_ids=(1,))
server.add(2, valve)
slave = RTUServer(UART, server, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
serve(slave, TCPServer(("0.0.0.0", PORT), server))
