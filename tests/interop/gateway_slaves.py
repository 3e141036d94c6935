"""pymodbus's RTU server, several slaves on one line: gateway_slaves.py DEVICE SLAVE_ID...

Each has holding and input registers 0 to 199, 1000 times its id and the address, and 2000 bits,
on where the address is a multiple of its id. Other ids are met with silence.
"""

import asyncio
import sys

from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice


def device(slave_id):
    """Return a slave."""
    registers = [1000 * slave_id + i for i in range(200)]
    bits = [i % slave_id == 0 for i in range(2000)]
    tables = [(bits, DataType.BITS)] * 2 + [(registers, DataType.REGISTERS)] * 2
    simdata = tuple([SimData(0, values=list(rows), datatype=kind)] for rows, kind in tables)
    return SimDevice(slave_id, simdata=simdata)


async def main(where, slave_ids):
    """Serve until killed."""

    def of_ours(sends, packet):
        return packet if not sends or packet[0] in slave_ids else b""

    server = ModbusSerialServer(
        [device(slave_id) for slave_id in slave_ids],
        port=where,
        baudrate=115200,
        broadcast_enable=True,
        trace_packet=of_ours,  # without it others' requests are answered with an exception
    )
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await server.serving


asyncio.run(main(sys.argv[1], [int(slave_id) for slave_id in sys.argv[2:]]))
