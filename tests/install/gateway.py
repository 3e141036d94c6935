"""A gateway from Modbus TCP at 127.0.0.1, port argv[1], to the serial device argv[2]."""

import sys

from pc_line import TTY  # stands for machine.UART

from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.serve import serve
from umb.server.tcp import TCPServer

line = RTUClient(TTY(sys.argv[2], 19200), baudrate=19200, timeout_ms=10_000)
gateway = Gateway(line, slave_ids=(1,))
network = TCPServer(("127.0.0.1", int(sys.argv[1])), gateway)
print("ready")
serve(network)
