"""pymodbus's server as devices are that people report: peer_habits.py tcp PORT, or serial DEVICE

Slave ids 1, 248, 255 and, for every other id, the default device; registers 0 to 199, 300 times
the address. Its habits go by the address that is asked for:

100  it is busy (exception 6) when asked for the first and the second time, then it answers
101  it acknowledges (exception 5) whenever it is asked
110  it answers with slave id 5
111  the echo of a write has another value
112  over TCP, it answers with transaction id 1

It prints when each request came, in milliseconds.
"""

import asyncio
import sys
import time

from pymodbus.pdu import ExceptionResponse
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

_BUSY, _ACKNOWLEDGED, _OTHER_ID, _OTHER_VALUE, _OTHER_TRANSACTION = 100, 101, 110, 111, 112


class Habits:
    """What pymodbus calls with every PDU and every frame."""

    def __init__(self):
        self._address = None  # of the last request
        self._busy = 2  # so often it still is
        self._count = 0  # of requests

    def pdu(self, sending, pdu):
        if not sending:
            self._address = pdu.address
            self._count += 1
            print(f"request {self._count} at {int(time.monotonic() * 1000)}", flush=True)
            return pdu
        code = None
        if self._address == _BUSY and self._busy:
            self._busy -= 1
            code = 6
        elif self._address == _ACKNOWLEDGED:
            code = 5
        if code is not None:
            return ExceptionResponse(
                pdu.function_code,
                exception_code=code,
                device_id=pdu.dev_id,
                transaction=pdu.transaction_id,
            )
        if self._address == _OTHER_ID:
            pdu.dev_id = 5
        elif self._address == _OTHER_VALUE:
            pdu.registers = [pdu.registers[0] ^ 1]
        elif self._address == _OTHER_TRANSACTION:
            pdu.transaction_id = 1
        return pdu


def device(slave_id):
    """Return a device that is served."""
    registers = [300 * i for i in range(200)]
    return SimDevice(slave_id, simdata=[SimData(0, values=registers, datatype=DataType.REGISTERS)])


async def main(kind, where):
    """Serve until killed."""
    devices = [device(slave_id) for slave_id in (0, 1, 248, 255)]
    habits = Habits()
    if kind == "tcp":
        server = ModbusTcpServer(devices, address=("127.0.0.1", int(where)), trace_pdu=habits.pdu)
    else:
        server = ModbusSerialServer(devices, port=where, baudrate=115200, trace_pdu=habits.pdu)
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await server.serving


asyncio.run(main(sys.argv[1], sys.argv[2]))
