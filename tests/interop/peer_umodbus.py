"""uModbus's server over TCP, a device with slave_id 1: peer_umodbus.py PORT

Coils 0 to 1999, registers 0 to 199. Discrete input i is on where i is a multiple of 3, input
register i holds 300 * i. Holding register 190 fails when it is read.
"""

import sys
from collections import defaultdict
from socketserver import ThreadingTCPServer

from umodbus.server.tcp import RequestHandler, get_server


def serve(port):
    """Serve until killed."""
    ThreadingTCPServer.allow_reuse_address = ThreadingTCPServer.daemon_threads = True
    app = get_server(ThreadingTCPServer, ("127.0.0.1", port), RequestHandler)
    coils, registers = defaultdict(int), defaultdict(int)

    @app.route(slave_ids=[1], function_codes=[1], addresses=range(2000))
    def read_coil(address, **_):
        return coils[address]

    @app.route(slave_ids=[1], function_codes=[2], addresses=range(2000))
    def read_input(address, **_):
        return int(address % 3 == 0)

    @app.route(slave_ids=[1], function_codes=[3], addresses=range(200))
    def read_register(address, **_):
        if address == 190:
            raise RuntimeError("this register always fails")
        return registers[address]

    @app.route(slave_ids=[1], function_codes=[4], addresses=range(200))
    def read_input_register(address, **_):
        return 300 * address

    @app.route(slave_ids=[1], function_codes=[5, 15], addresses=range(2000))
    def write_coil(address, value, **_):
        coils[address] = value

    @app.route(slave_ids=[1], function_codes=[6, 16], addresses=range(200))
    def write_register(address, value, **_):
        registers[address] = value

    print("ready", flush=True)
    app.serve_forever()


serve(int(sys.argv[1]))
