"""A bus with devices that have habits: each slave has settings and counters of its own.

Board: mpremote run examples/one_slave.py
PC:    python3 tools/dev.py micropython --uart 0=/dev/ttyUSB0 examples/one_slave.py
"""

from sys import platform

from umb.client.rtu import RTUClient
from umb.errors import ModbusError

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)

bus = RTUClient(UART, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE, timeout_ms=200)
meter = bus.slave(7, retries=2, pause_ms=100)  # it is deaf for a while after each answer
relays = bus.slave(8, timeout_ms=1000)  # it takes its time
for slave in (meter, relays):
    try:
        print("slave", slave.slave_id, slave.read_input_registers(0, 2))
    except ModbusError as error:
        print(error)
    print(slave.answers, "of", slave.requests, "requests answered")
