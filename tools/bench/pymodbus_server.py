"""For scale: pymodbus's server. Argument: the port."""

import sys

from pymodbus.server import StartTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

_BLOCK = SimData(0, values=0, count=200, datatype=DataType.REGISTERS)
StartTcpServer(SimDevice(1, simdata=[_BLOCK]), address=("127.0.0.1", int(sys.argv[1])))
