"""A master on the serial device argv[1]."""

import sys

from asking import ask
from pc_line import TTY  # stands for machine.UART

from umb.client.rtu import RTUClient

ask(RTUClient(TTY(sys.argv[1], 19200), baudrate=19200, timeout_ms=10_000))
