"""The device that the server examples serve: it uses what a part has for it."""

from umb.errors import ServerDeviceBusyError
from umb.functions.identity import Identity
from umb.server import Server
from umb.store import Registers, Store
from umb.words import U32, put


def make():
    """Return a Server with a store for slave id 1 and routes for slave id 2."""
    store = Store(coils=8, holding_registers=(Registers(0, 10), Registers(100, 5)))
    put(store.holding_registers, 0, U32, 123456)
    identity = Identity({0: "umb", 1: "example", 2: "1.0"})
    server = Server(store, functions=(identity,))

    @server.route(slave_ids=[2], function_codes=[3], addresses=range(10))
    def read(slave_id, function_code, address):
        return slave_id * 1000 + function_code * 100 + address

    @server.route(slave_ids=[2], function_codes=[4], addresses=range(10))
    def refuse(**_):
        raise ServerDeviceBusyError

    return server
