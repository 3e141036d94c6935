"""pymodbus's server with devices of a test: peer.py serial|ascii|tcp DEVICE|PORT JSON

JSON is {slave id: {"bits": [...], "registers": [...]}}: both kinds of bits, or registers, have
these values from address 0 on. Other slave ids are met with silence on serial lines.
"""

import asyncio
import json
import sys

from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice


def device(slave_id, values):
    """Return a device."""
    bits, registers = values.get("bits", [False] * 8), values.get("registers", [0] * 8)
    tables = [(bits, DataType.BITS)] * 2 + [(registers, DataType.REGISTERS)] * 2
    simdata = tuple([SimData(0, values=list(rows), datatype=kind)] for rows, kind in tables)
    return SimDevice(slave_id, simdata=simdata)


def server(kind, where, devices):
    """Return the server of this kind."""
    made = [device(slave_id, values) for slave_id, values in devices.items()]
    if kind == "tcp":
        return ModbusTcpServer(made, address=("127.0.0.1", int(where)))

    def of_ours(sends, packet):
        is_ours = kind == "ascii" or packet[0] in devices
        return packet if not sends or is_ours else b""

    return ModbusSerialServer(
        made,
        framer=FramerType.ASCII if kind == "ascii" else FramerType.RTU,
        port=where,
        baudrate=115200,
        broadcast_enable=True,
        trace_packet=of_ours,  # without it others' requests are answered with an exception
    )


async def main(kind, where, devices):
    """Serve until killed."""
    one = server(kind, where, devices)
    await one.serve_forever(background=True)
    print("ready", flush=True)
    await one.serving


asyncio.run(
    main(
        sys.argv[1], sys.argv[2], {int(name): one for name, one in json.loads(sys.argv[3]).items()}
    )
)
