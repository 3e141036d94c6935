"""A slave that answers whatever the program does: it is served from interrupts.

The main program computes all the time, and never calls poll(). Input register 0 counts its rounds.

Board: mpremote run examples/background.py
PC:    python3 tools/dev.py micropython examples/background.py
"""

from sys import platform

from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)


def is_prime(number):
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 1
    return True


store = Store(coils=8, input_registers=1)
server = Server(store, slave_ids=(7,))
slave = RTUServer(UART, server, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
slave.start()
try:
    number = 1_000_003
    while True:
        if is_prime(number):
            store.input_registers[0] = store.input_registers[0] + 1 & 0xFFFF
        number += 2
finally:
    slave.stop()
