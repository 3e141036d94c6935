"""A master that reads values of 32 bits from a meter: a float, and a counter, once a second.

Input registers 0 and 1 are the voltage, a float. Registers 2 and 3 are the energy in Wh, an
integer whose low word comes first. A manual says which order a device has; if not, try the four.

Board: mpremote run examples/meter.py
PC:    python3 tools/dev.py micropython --uart 0=/dev/ttyUSB0 examples/meter.py
"""

from sys import platform
from time import sleep

from umb.client.rtu import RTUClient
from umb.errors import ModbusError
from umb.words import CDAB, F32, U32, get

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

bus = RTUClient(UART, baudrate=9600, tx=TX, rx=RX, de=DE, timeout_ms=500, retries=2)
registers = [0] * 4
while True:
    try:
        bus.read_input_registers(7, 0, 4, into=registers)
        print("%.1f V, %d Wh" % (get(registers, 0, F32), get(registers, 2, U32, CDAB)))
    except ModbusError as error:
        print(error)
    sleep(1)
