"""uModbus's server at localhost, port argv[1], and its serial client on the device argv[2]."""

# ruff: noqa: ARG001 - endpoints are called with these keywords
import sys
from socketserver import TCPServer

from pc_line import TTY  # stands for machine.UART

from umodbus import conf
from umodbus.client.serial import rtu
from umodbus.server.tcp import RequestHandler, get_server

conf.SIGNED_VALUES = True
line = TTY(sys.argv[2], 19200)
app = get_server(TCPServer, ("localhost", int(sys.argv[1])), RequestHandler)


@app.route(slave_ids=[1], function_codes=[3], addresses=range(10))
def read(slave_id, function_code, address):
    """Ask the slave on the line."""
    message = rtu.read_holding_registers(slave_id, address, 1)
    return rtu.send_message(message, line, baudrate=19200)[0]


@app.route(slave_ids=[1], function_codes=[6, 16], addresses=range(10))
def write(slave_id, function_code, address, value):
    """Tell the slave on the line."""
    message = rtu.write_single_register(slave_id, address, value)
    rtu.send_message(message, line, baudrate=19200)


print("ready")
try:
    app.serve_forever()
finally:
    app.server_close()
