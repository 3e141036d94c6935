"""A slave in a program that has a loop of its own: it calls poll() every millisecond or so.

Input register 0 counts the rounds of the loop. A program without such a loop uses serve().

Board: mpremote run examples/own_loop.py
PC:    python3 tools/dev.py micropython examples/own_loop.py
"""

from sys import platform

from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

store = Store(coils=8, input_registers=1)
server = Server(store, slave_ids=(7,))
slave = RTUServer(UART, server, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
try:
    while True:
        slave.poll(1)
        store.input_registers[0] = store.input_registers[0] + 1 & 0xFFFF
finally:
    slave.finish()  # so that the direction pin does not stay at transmit
