"""A gateway, run by MicroPython: gateway_program.py PORT DEVICE

Slave ids 1 to 9 are on the line at DEVICE; two requests may wait for it.
"""

import sys

from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.port.tty import TTY
from umb.serve import serve
from umb.server.tcp import TCPServer

line = RTUClient(TTY(sys.argv[2], 115200), baudrate=115200)
gateway = Gateway(line, slave_ids=range(1, 10), timeout_ms=300, queue=2)
tcp = TCPServer(("127.0.0.1", int(sys.argv[1])), gateway, max_clients=6)
print("ready")
serve(tcp, gateway)
