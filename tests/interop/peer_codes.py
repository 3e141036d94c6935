"""pymodbus's server, a device with slave_id 17: peer_codes.py KIND WHERE

KIND is TCP, UDP or RTU over TCP with a port, RTU or ASCII with a device. Bits 0 to 1999, on where
the address is a multiple of 3; registers 0 to 199, 300 times the address.
"""

import asyncio
import sys

from pymodbus import FramerType, ModbusDeviceIdentification
from pymodbus.server import ModbusSerialServer, ModbusTcpServer, ModbusUdpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def device():
    """Return the device that is served."""
    bits = [i % 3 == 0 for i in range(2000)]
    registers = [300 * i for i in range(200)]
    tables = [(bits, DataType.BITS)] * 2 + [(registers, DataType.REGISTERS)] * 2
    simdata = tuple([SimData(0, values=list(rows), datatype=kind)] for rows, kind in tables)
    return SimDevice(17, simdata=simdata)


def server(kind, where):
    """Return the server, not yet started."""
    identity = ModbusDeviceIdentification(
        info_name={"VendorName": "Vendor", "ProductCode": "Code", "MajorMinorRevision": "1.0"}
    )
    if kind in ("RTU", "ASCII"):
        framer = FramerType[kind]
        return ModbusSerialServer(
            device(), framer=framer, port=where, baudrate=115200, identity=identity
        )
    address = ("127.0.0.1", int(where))
    if kind == "UDP":
        return ModbusUdpServer(device(), address=address, identity=identity)
    framer = FramerType.SOCKET if kind == "TCP" else FramerType.RTU
    return ModbusTcpServer(device(), framer=framer, address=address, identity=identity)


async def main(kind, where):
    """Serve until killed."""
    one = server(kind, where)
    await one.serve_forever(background=True)
    print("ready", flush=True)
    await one.serving


asyncio.run(main(*sys.argv[1:]))
