"""A client of the Modbus TCP server at 127.0.0.1, port argv[1]."""

import sys

from asking import ask

from umb.client.tcp import TCPClient

ask(TCPClient(("127.0.0.1", int(sys.argv[1])), timeout_ms=10_000))
