"""A slave without a store: functions answer for its addresses, as in uModbus.

Registers 0 to 9 can be read and written. Register 100 counts how often it was read.

Board: mpremote run examples/routes.py
PC:    python3 tools/dev.py micropython examples/routes.py
"""

from sys import platform

from umb.errors import IllegalDataValueError
from umb.server.rtu import RTUServer

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

values = [0] * 10
counts = {"reads": 0}
slave = RTUServer(UART, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)


@slave.route(slave_ids=[7], function_codes=[3], addresses=range(10))
def read(slave_id, function_code, address):
    return values[address]


@slave.route(slave_ids=[7], function_codes=[6, 16], addresses=range(10))
def write(slave_id, function_code, address, value):
    if value > 1000:
        raise IllegalDataValueError
    values[address] = value


@slave.route(slave_ids=[7], function_codes=[3], addresses=[100])
def count(slave_id, function_code, address):
    counts["reads"] += 1
    return counts["reads"]


slave.serve_forever()
