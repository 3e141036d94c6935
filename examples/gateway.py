"""A gateway: clients in the network ask slaves 1 to 32 of an RS-485 bus; slave 100 is the board.

Board: connect it in boot.py, see wifi.py; then mpremote run examples/gateway.py
PC:    python3 tools/dev.py micropython examples/gateway.py
       It listens at port 5020, and prints the other end of the line, for slaves.
"""

from sys import platform

from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.server import Server
from umb.server.tcp import TCPServer
from umb.store import Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)
PORT = 5020 if platform == "linux" else 502

itself = Server(Store(holding_registers=[1, 2, 3]), slave_ids=(100,))
bus = RTUClient(UART, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE, timeout_ms=300)
gateway = Gateway(bus, slave_ids=range(1, 33), local=itself)
TCPServer(("0.0.0.0", PORT), gateway).serve_forever()
