"""Requests to the slaves of onboard/slaves.py and the replies that are right."""

from typing import NamedTuple

from tools.emulator.wire import US, frame, read_registers, registers_reply, write_registers

SLAVE_ID = 1
REGISTERS = [address * 257 for address in range(100)]  # what the slave holds

# Asking again and again with this much more delay finds the poll loop in each of its phases.
PHASE_NS = 37.3 * US


class Case(NamedTuple):
    """A request, the right reply, and how long after t3.5 it may begin."""

    name: str
    request: bytes
    reply: bytes
    late_limit_us: float


def reading(quantity, late_limit_us, slave_id=SLAVE_ID):
    """The Case of reading the first `quantity` holding registers."""
    reply = registers_reply(slave_id, REGISTERS[:quantity])
    request = read_registers(slave_id, quantity)
    return Case(f"FC3 x {quantity}", request, reply, late_limit_us)


READ_1, READ_10, READ_100 = reading(1, 150), reading(10, 150), reading(100, 300)
# Writes what is there already, so that it changes nothing for the next one.
WRITE_10 = Case(
    "FC16 x 10",
    write_registers(SLAVE_ID, REGISTERS[:10]),
    frame(SLAVE_ID, [16, 0, 0, 0, 10]),
    300,
)
CASES = (READ_1, READ_10, READ_100, WRITE_10)
# One of every standard kind (AP 6.1 to 6.6, 6.11, 6.12, 6.16, 6.17).
STANDARD = (
    *(read_registers(SLAVE_ID, 4, function_code=code) for code in (1, 2, 3, 4)),
    frame(SLAVE_ID, [5, 0, 1, 0xFF, 0]),
    frame(SLAVE_ID, [6, 0, 1, 0, 7]),
    frame(SLAVE_ID, [15, 0, 0, 0, 3, 1, 5]),
    write_registers(SLAVE_ID, [1, 2, 3]),
    frame(SLAVE_ID, [22, 0, 1, 0, 0xF2, 0, 0x25]),
    frame(SLAVE_ID, [23, 0, 0, 0, 2, 0, 4, 0, 1, 2, 0, 9]),
)
