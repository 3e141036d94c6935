"""A client of the Modbus UDP server at 127.0.0.1, port argv[1], which is server_udp.py."""

import sys

from umb.client.udp import UDPClient
from umb.words import U32, get

client = UDPClient(("127.0.0.1", int(sys.argv[1])), timeout_ms=10_000)
print(get(client.read_holding_registers(1, 0, 2), 0, U32))
print(client.read_device_identification(1))
