"""A master on an RS-485 bus: it reads from slave 7, switches its coil 3 and reads that back.

Board: mpremote run examples/master_rtu.py
PC:    python3 tools/dev.py micropython --uart 0=/dev/pts/6 examples/master_rtu.py
       with the device that slave_rtu.py has printed.
"""

from sys import platform

from umb.client.rtu import RTUClient
from umb.errors import ModbusError

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

bus = RTUClient(UART, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE, timeout_ms=500, retries=2)
try:
    print("input registers:", bus.read_input_registers(7, 0, 2))
    bus.write_single_coil(7, 3, 1)
    print("coils:", bus.read_coils(7, 0, 8))
except ModbusError as error:
    print(error)
