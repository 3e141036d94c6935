"""What the client examples ask the remote-I/O slave."""

from umb.errors import ModbusError
from umb.words import U32, get


def ask(client):
    """Make calls of every kind and print what they return."""
    print(client.write_multiple_registers(1, 3, [7, 8]))
    values = client.read_holding_registers(1, 3, 2)
    print(values, get(values, 0, U32))
    print(client.write_single_coil(1, 2, 1), client.read_coils(1, 0, 4))
    try:
        client.read_fifo_queue(1, 0)
    except ModbusError as error:
        print("refused with", error.error_code)
