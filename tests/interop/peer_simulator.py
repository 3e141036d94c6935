"""pymodbus's simulator as a device with slave_id 1: peer_simulator.py tcp PORT, or serial DEVICE

It serves peer_simulator.json, as pymodbus.simulator does, without its web pages.
"""

import asyncio
import json
import sys
from pathlib import Path

from pymodbus.datastore import ModbusServerContext, ModbusSimulatorContext
from pymodbus.server import ModbusSerialServer, ModbusTcpServer


async def main(kind, where):
    """Serve until killed."""
    config = json.loads(Path(__file__).with_suffix(".json").read_text())
    context = ModbusServerContext(devices={1: ModbusSimulatorContext(config, None)}, single=False)
    if kind == "tcp":
        server = ModbusTcpServer(context, address=("127.0.0.1", int(where)))
    else:
        server = ModbusSerialServer(context, port=where, baudrate=19200)
    await server.serve_forever(background=True)
    print("ready", flush=True)
    await server.serving


asyncio.run(main(sys.argv[1], sys.argv[2]))
