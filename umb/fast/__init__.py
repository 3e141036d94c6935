"""The inner loops, as machine code where the board can compile it: CRC-16, and moving bytes.

crc16(buf, at, n)               CRC-16 of n bytes at buf[at] (SL 6.2.2). Its low byte goes out
                                first; the CRC over a frame with its own CRC behind it is 0
seal(adu, n)                    the CRC of an RTU frame behind its PDU of n bytes at adu[7];
                                returns the frame's length
copy(dst, at, src, start, n)    n bytes of src[start:] to dst[at:], upwards: within one buffer
                                only towards its front. Allocates nothing
"""

import sys

from micropython import const

_ARMV6M = const(4)  # the first and the last Thumb processor in the numbering of .mpy files
_ARMV7EMDP = const(8)

# What an import raises where the board has no emitter of machine code or another processor,
# where the file was not installed, and in other Pythons.
REASONS = (ImportError, SyntaxError, ValueError, AttributeError)

try:
    if not _ARMV6M <= sys.implementation._mpy >> 10 & 15 <= _ARMV7EMDP:
        raise ImportError
    from .thumb import copy, crc16, seal
except REASONS:
    try:
        from .viper import copy, crc16, seal
    except REASONS:
        from .bytecode import copy, crc16, seal  # noqa: F401
