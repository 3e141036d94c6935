"""The inner loops for ARM Thumb processors. viper.py is the same for all processors.

Nothing here checks bounds: callers pass what lies inside the buffers.
"""

import micropython

# ruff: noqa: F821 - instructions and registers are the assembler's names


@micropython.asm_thumb
def crc16(r0, r1, r2):  # buf, at, n
    add(r0, r0, r1)  # r0: the next byte,
    add(r2, r0, r2)  # r2: behind the last one,
    mov(r3, 1)
    lsl(r3, r3, 16)
    sub(r3, 1)  # r3: the CRC,
    mov(r7, 0xC0)
    lsl(r7, r7, 8)
    add(r7, 1)  # r7: the polynomial's ends
    b(CHECK)
    label(BYTE)
    ldrb(r4, [r0, 0])
    add(r0, 1)
    eor(r4, r3)
    mov(r5, 0xFF)
    and_(r4, r5)
    lsr(r3, r3, 8)
    lsl(r5, r4, 6)
    eor(r3, r5)
    lsl(r5, r4, 7)
    eor(r3, r5)
    lsr(r5, r4, 4)
    eor(r4, r5)
    lsr(r5, r4, 2)
    eor(r4, r5)
    lsr(r5, r4, 1)
    eor(r4, r5)
    lsl(r4, r4, 31)  # the parity of the byte decides whether they go in
    beq(CHECK)
    eor(r3, r7)
    label(CHECK)
    cmp(r0, r2)
    bne(BYTE)
    mov(r0, r3)


@micropython.viper
def seal(adu, n: int) -> int:
    crc = int(crc16(adu, 6, n + 1))
    frame = ptr8(adu)
    frame[n + 7] = crc
    frame[n + 8] = crc >> 8
    return n + 3


@micropython.viper
def copy(dst: ptr8, at: int, src: ptr8, start: int, n: int):
    n += at
    start -= at
    while at < n:
        dst[at] = src[start + at]
        at += 1
