"""uModbus's way to serve a serial line. In MicroPython: umodbus_rtu_server.py DEVICE"""

# ruff: noqa: ARG001 - endpoints are called with these keywords
import sys

from umb.port.tty import TTY
from umb.umodbus import conf
from umb.umodbus.server.serial import get_server
from umb.umodbus.server.serial.rtu import RTUServer
from umb.umodbus.utils import log_to_stream

log_to_stream(sys.stdout, level=10)
conf.SIGNED_VALUES = True
values = {}
app = get_server(RTUServer, TTY(sys.argv[1], 19200), baudrate=19200)


@app.route(slave_ids=[1], function_codes=[1, 2, 3, 4], addresses=list(range(10)))
def read(slave_id, function_code, address):
    """Return the value of an address."""
    return values.get(address, 0)


@app.route(slave_ids=[1], function_codes=[5, 6, 15, 16], addresses=list(range(10)))
def write(slave_id, function_code, address, value):
    """Set the value of an address."""
    values[address] = value


print("ready")
try:
    app.serve_forever()
except KeyboardInterrupt:
    pass
finally:
    app.shutdown()
    app.server_close()
