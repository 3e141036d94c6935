"""A device in a network: 8 coils, and holding registers 100 to 149. It prints what is written.

Board: connect it in boot.py, see wifi.py; then mpremote run examples/slave_tcp.py
PC:    python3 tools/dev.py micropython examples/slave_tcp.py
       client_tcp.py asks it, at port 5020.
"""

from sys import platform

from umb.server import Server
from umb.server.tcp import TCPServer
from umb.store import Registers, Store

PORT = 5020 if platform == "linux" else 502  # a PC keeps 502 for the administrator


def changed(address, quantity):
    print(address, store.holding_registers[address : address + quantity])


store = Store(coils=8, holding_registers=Registers(100, 50, on_write=changed))
TCPServer(("0.0.0.0", PORT), Server(store)).serve_forever()
