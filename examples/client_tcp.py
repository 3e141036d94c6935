"""A client in a network: it writes holding registers and reads them back.

Board: put the device's address here, connect the board in boot.py, see wifi.py;
       then mpremote run examples/client_tcp.py
PC:    python3 tools/dev.py micropython examples/client_tcp.py
       asks slave_tcp.py.
"""

from umb.client.tcp import TCPClient
from umb.errors import ModbusError

ADDRESS = ("127.0.0.1", 5020)

with TCPClient(ADDRESS, timeout_ms=2000) as device:
    try:
        device.write_multiple_registers(1, 100, [10, 20, 30])
        print("holding registers:", device.read_holding_registers(1, 100, 4))
        print("coils:", device.read_coils(1, 0, 8))
    except ModbusError as error:
        print(error)
