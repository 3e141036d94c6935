"""Serves what a seed draws to real peers: micropython real_server.py SEED PORT PORT PORT TTY TTY.

The ports are of Modbus TCP, RTU over TCP and UDP, the serial devices of RTU and ASCII.
"""

import sys

from fuzz import device
from fuzz.rng import Rng

from umb.frame.ascii import ASCII
from umb.frame.rtu_stream import RTUStream
from umb.port.tty import TTY
from umb.serve import serve
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.server.udp import UDPServer

BAUDRATE = 115200
HOST = "127.0.0.1"


def main(seed, tcp, rtu_tcp, udp, rtu, ascii):
    """Serve for ever."""
    server = device.Twins(device.draw(Rng(int(seed)))).server
    drivers = (
        TCPServer((HOST, int(tcp)), server),
        TCPServer((HOST, int(rtu_tcp)), server, framer=RTUStream),
        UDPServer((HOST, int(udp)), server),
        RTUServer(TTY(rtu, BAUDRATE), server, baudrate=BAUDRATE),
        RTUServer(TTY(ascii, BAUDRATE), server, baudrate=BAUDRATE, framer=ASCII),
    )
    print("ready")
    serve(*drivers)


if __name__ == "__main__":
    main(*sys.argv[1:])
