"""A Modbus TCP server to be probed from outside. Runs in MicroPython: tcp_server.py PORT SLAVE_ID

Coils and discrete inputs 0 to 1999, registers 0 to 199 of both kinds. Discrete input i is on where
i is a multiple of 3, input register i holds 300 * i. Holding register 1000 fails when it is used.
"""

import sys

from umb.server import Server
from umb.server.tcp import TCPServer
from umb.store import Bits, Registers, Store


def fail(_address, _quantity):
    """Be a hook with a bug."""
    raise RuntimeError("this hook always fails")


def main(port, slave_id):
    """Serve until interrupted."""
    inputs, measured = Bits(0, 2000), Registers(0, 200)
    for i in range(0, 2000, 3):
        inputs[i] = 1
    for i in range(200):
        measured[i] = 300 * i
    store = Store(
        coils=2000,
        discrete_inputs=inputs,
        input_registers=measured,
        holding_registers=(Registers(0, 200), Registers(1000, 1, on_read=fail, on_write=fail)),
    )
    server = Server(store, slave_ids=(slave_id,), on_error=None)  # the bug is known
    tcp = TCPServer(("127.0.0.1", port), server)
    print("ready")
    try:
        tcp.serve_forever()
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        tcp.server_close()


main(int(sys.argv[1]), int(sys.argv[2]))
