"""A slave with hooks: it measures, switches a relay, and refuses set points out of range.

Input register 0 is the temperature, holding register 0 the set point, 50 to 300, both in tenths
of a degree. Coil 0 is the relay, which a master may switch until the next measurement.

Board: mpremote run examples/thermostat.py
PC:    python3 tools/dev.py micropython examples/thermostat.py
"""

from sys import platform

from machine import ADC, Pin

from umb.serve import serve
from umb.server import Server
from umb.server.rtu import RTUServer
from umb.store import Bits, Registers, Store

UART, TX, RX, DE = (2, 17, 16, 4) if platform == "esp32" else (0, 0, 1, 2)
SENSOR, RELAY = (34, 18) if platform == "esp32" else (26, 6)

sensor = ADC(Pin(SENSOR))
relay = Pin(RELAY, Pin.OUT)


def is_allowed(address, value):
    return 50 <= value <= 300


def switch(address, quantity):
    relay.value(store.coils[0])


def measure():
    temperature = sensor.read_u16() * 500 // 65535
    store.input_registers[0] = temperature
    store.coils[0] = temperature < store.holding_registers[0]
    switch(0, 1)


store = Store(
    coils=Bits(0, 1, on_write=switch),
    input_registers=1,
    holding_registers=Registers(0, [200], validate=is_allowed),
)
server = Server(store, slave_ids=(7,))
slave = RTUServer(UART, server, baudrate=19200, parity=0, tx=TX, rx=RX, de=DE)
serve(slave, every=(1000, measure))
