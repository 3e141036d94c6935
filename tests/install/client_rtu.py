"""A master on the serial device argv[1]."""

import sys

from asking import ask
from pc_line import TTY  # stands for machine.UART

from umb.client import rtu

client = rtu.RTUClient(TTY(sys.argv[1], 19200), baudrate=19200, timeout_ms=10_000)
ask(client)
print(rtu.send_message(rtu.read_holding_registers(1, 3, 2), client))
