"""The inner loops as machine code. Left out where a port cannot compile it.

Nothing here checks bounds: callers pass what lies inside the buffers.
"""

import micropython


@micropython.viper
def crc16(buf: ptr8, at: int, n: int) -> int:  # noqa: F821
    crc = 0xFFFF
    end = at + n
    while at < end:
        x = (crc ^ buf[at]) & 0xFF
        p = x ^ (x >> 4)  # the parity of x decides whether the polynomial's ends go in
        p ^= p >> 2
        p = (p ^ (p >> 1)) & 1
        crc = (crc >> 8) ^ ((x ^ (x << 1)) << 6) ^ (p * 0xC001)
        at += 1
    return crc


@micropython.viper
def seal(adu, n: int) -> int:
    crc = int(crc16(adu, 6, n + 1))
    frame = ptr8(adu)  # noqa: F821
    frame[n + 7] = crc
    frame[n + 8] = crc >> 8
    return n + 3


@micropython.viper
def copy(dst: ptr8, at: int, src: ptr8, start: int, n: int):  # noqa: F821
    n += at
    start -= at
    while at < n:
        dst[at] = src[start + at]
        at += 1
