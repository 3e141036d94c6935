"""A Modbus RTU slave on a serial device. In MicroPython: rtu_slave.py DEVICE BAUDRATE PARITY ID

Coils and discrete inputs 0 to 1999, registers 0 to 199 of both kinds. Discrete input i is on where
i is a multiple of 3, input register i holds 300 * i + ID. File 1 has 100 records and queue 5 three
values; the device says who it is.
"""

import sys

from umb.functions.diagnostics import Diagnostics
from umb.functions.files import Files, Queues
from umb.functions.identity import Identity, ServerId
from umb.port.tty import TTY
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Bits, Registers, Store

_PARITY = {"N": None, "E": 0, "O": 1}


def main(device, baudrate, parity, slave_id):
    """Serve until interrupted."""
    inputs, measured = Bits(0, 2000), Registers(0, 200)
    for i in range(0, 2000, 3):
        inputs[i] = 1
    for i in range(200):
        measured[i] = 300 * i + slave_id
    store = Store(2000, inputs, measured, 200)
    uart = TTY(device, baudrate, parity=parity)
    functions = (
        Diagnostics(),
        Identity({0: "umb", 1: "slave", 2: "1.0"}),
        Files({1: Registers(0, 100)}),
        Queues({5: (1, 2, 0xFFFF)}),
        ServerId("umb"),
    )
    server = Server(store, (slave_id,), functions=functions)
    rtu = RTUServer(uart, server, baudrate=baudrate, parity=parity)
    print("ready")
    try:
        rtu.serve_forever()
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        rtu.server_close()


main(sys.argv[1], int(sys.argv[2]), _PARITY[sys.argv[3]], int(sys.argv[4]))
