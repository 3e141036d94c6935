"""Values of several registers on the board, whose floats and small integers are not a PC's."""

import gc

from umb.sunspec import get_scaled, put_scaled
from umb.words import get, get_bits, put, put_bits


def check(rows):
    """Print each of the rows (kind, order, value, registers) that the board has otherwise."""
    for kind, order, value, registers in rows:
        back = [0] * len(registers)
        put(back, 0, kind, value, order)
        got = get(registers, 0, kind, order)
        if got != value or back != registers:
            print(kind, order, value, got, registers, back)


def check_scaled(rows):
    """As check(), of rows (kind, value, factor, registers), where None is not implemented."""
    for kind, value, factor, registers in rows:
        n = len(registers)
        registers.append(factor & 0xFFFF)
        got = get_scaled(registers, 0, kind, n)
        back = [0] * n
        back.append(factor)
        put_scaled(back, 0, kind, value, n)
        if got != value or back[:n] != registers[:n]:
            print(kind, value, factor, got, registers, back)


def heap_bytes(times):
    """Print how many bytes of the heap so many accesses of 16 bits, and of bits, take."""
    registers = [0] * 4
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(times):
        put(registers, 1, "uint16", 65535, "BADC")
        get(registers, 1, "uint16", "BADC")
        put(registers, 0, "uint32", 1 << 20, "CDAB")
        get(registers, 0, "uint32", "CDAB")
        put_bits(registers, 1, 3, 2, 3)
        get_bits(registers, 1, 3, 2)
    after = gc.mem_alloc()
    gc.enable()
    print(after - before)
