"""A slave on the serial device argv[1], for the frames that argv[2] names, rtu or ascii."""

import sys

from device import make
from pc_line import TTY  # stands for machine.UART

from umb.server.rtu import RTUServer

server = RTUServer(TTY(sys.argv[1], 19200), make(), baudrate=19200, framer=sys.argv[2])
print("ready")
server.serve_forever()
