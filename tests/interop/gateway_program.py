"""A gateway to be used from outside. Runs in MicroPython:

gateway_program.py HOW PORT DEVICE TIMEOUT_MS [LISTENER]

HOW is serve or aio, what it is served with. Slave ids 1 to 9 are on the line at DEVICE, which is
as fast as 115200 baud; 100 is served here and has holding registers 0 to 9. LISTENER is a second
device, at which the program is a slave that passes on as well.
"""

import asyncio
import sys

from umb import aio
from umb.client.rtu import RTUClient
from umb.gateway import Gateway
from umb.port.tty import TTY
from umb.serve import serve
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.server.tcp import TCPServer
from umb.store import Store

BAUDRATE = 115200


def main(how, port, device, timeout_ms, listener=None):
    """Serve until interrupted."""
    line = RTUClient(TTY(device, BAUDRATE), baudrate=BAUDRATE)
    local = Server(Store(holding_registers=10), slave_ids=(100,))
    gateway = Gateway(line, slave_ids=range(1, 10), timeout_ms=int(timeout_ms), local=local)
    drivers = [TCPServer(("127.0.0.1", int(port)), gateway, max_clients=8), gateway]
    if listener:
        drivers.append(RTUServer(TTY(listener, BAUDRATE), gateway, baudrate=BAUDRATE))
    print("ready")
    try:
        if how == "aio":
            asyncio.run(aio.serve(*drivers))
        serve(*drivers)
    except KeyboardInterrupt:
        print("interrupted")
    finally:
        for driver in drivers:
            driver.server_close()


main(*sys.argv[1:])
