"""pymodbus's server, a device with slave_id 1: peer_pymodbus.py tcp PORT, or serial DEVICE

Bits 0 to 1999, on where the address is a multiple of 3; registers 0 to 199, 300 times the address.
"""

import asyncio
import sys

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def device():
    """Return the device that is served."""
    bits = [i % 3 == 0 for i in range(2000)]
    registers = [300 * i for i in range(200)]
    return SimDevice(
        1,
        simdata=(
            [SimData(0, values=list(bits), datatype=DataType.BITS)],
            [SimData(0, values=list(bits), datatype=DataType.BITS)],
            [SimData(0, values=list(registers), datatype=DataType.REGISTERS)],
            [SimData(0, values=list(registers), datatype=DataType.REGISTERS)],
        ),
    )


async def main(kind, where):
    """Serve until killed."""
    if kind == "tcp":
        server = ModbusTcpServer(device(), address=("127.0.0.1", int(where)))
    else:
        server = ModbusSerialServer(device(), port=where, baudrate=115200, broadcast_enable=True)
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await server.serving


asyncio.run(main(sys.argv[1], sys.argv[2]))
