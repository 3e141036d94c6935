# The client of uModbus's front page (its README, MPL 2.0), with other imports, another port, and the
# address looked up, as the unix port's connect needs it.
# ruff: noqa
# fmt: off
#!/usr/bin/env python
# scripts/examples/simple_tcp_client.py
import socket

from umb import conf
from umb.client import tcp

# Enable values to be signed (default is False).
conf.SIGNED_VALUES = True

sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.connect(socket.getaddrinfo('localhost', 5020)[0][-1])

# Returns a message or Application Data Unit (ADU) specific for doing
# Modbus TCP/IP.
message = tcp.write_multiple_coils(slave_id=1, starting_address=1, values=[1, 0, 1, 1])

# Response depends on Modbus function code. This particular returns the
# amount of coils written, in this case it is.
response = tcp.send_message(message, sock)

sock.close()
