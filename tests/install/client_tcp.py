"""A client of the Modbus TCP server at 127.0.0.1, port argv[1]."""

import socket
import sys

from asking import ask

from umb.client import tcp

address = ("127.0.0.1", int(sys.argv[1]))
client = tcp.TCPClient(address, timeout_ms=10_000)
ask(client)
client.close()
sock = socket.socket()
sock.connect(socket.getaddrinfo(*address)[0][-1])
print(tcp.send_message(tcp.read_holding_registers(1, 3, 2), sock))
sock.close()
