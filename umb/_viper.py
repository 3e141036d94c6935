"""The inner loops as machine code. Optional: crc.py does without where it cannot compile.

Nothing here checks bounds: callers pass what lies inside the buffers.
"""

import micropython


@micropython.viper
def crc16(buf: ptr8, at: int, n: int) -> int:  # noqa: F821
    crc = 0xFFFF
    n += at
    while at < n:
        x = (crc ^ buf[at]) & 0xFF
        crc = (crc >> 8) ^ (x << 6) ^ (x << 7)
        if 0x6996 >> ((x ^ (x >> 4)) & 15) & 1:  # the parity of x: the polynomial's ends go in
            crc ^= 0xC001
        at += 1
    return crc


@micropython.viper
def copy(dst: ptr8, at: int, src: ptr8, start: int, n: int):  # noqa: F821
    end = at + n
    start -= at
    while at < end:
        dst[at] = src[start + at]
        at += 1
