"""How a PDU travels. One connection has one ADU buffer of ADU_SIZE bytes, whatever its frames are:

     0      2      4      6     7                 7+n   7+n+2
     | tid  | pid  | len  | id  | PDU (n <= 253)  | CRC |
     |<------- MBAP ----------->|                 |     |   Modbus TCP frame: adu[0 : 7+n]
                          |<------ RTU frame ---------->|   RTU frame: adu[6 : 7+n+2]

The slave id is always at adu[6] and the PDU at adu[7], so that a gateway moves requests and
replies without copying, and a server writes the response over the request.
"""

ADU_SIZE = 262  # 7 of MBAP, 253 of the longest PDU (AP 4.1), 2 of the CRC

# The function codes that only write: these can be broadcast (SL 2.1).
WRITES = b"\x05\x06\x0f\x10\x16"


def refuse(adu, exception_code):
    """Turn the request at adu[7] into its exception response (AP 7). Returns the PDU's length."""
    adu[7] |= 0x80
    adu[8] = exception_code
    return 2
