"""A slave on the serial device argv[1], for the frames that argv[2] names, rtu or ascii."""

import sys

from device import make
from pc_line import TTY  # stands for machine.UART

from umb.server.rtu import RTUServer

options = {}
if sys.argv[2] == "ascii":
    from umb.frame.ascii import ASCII

    options["framer"] = ASCII
server = RTUServer(TTY(sys.argv[1], 19200), make(), baudrate=19200, **options)
print("ready")
server.serve_forever()
