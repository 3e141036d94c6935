"""Which requests a late reply can answer: only those that are the same."""

from support import every_nth
from support.rtu import frame
from support.uart import UART, clock

from umb.client.late import fingerprint_of
from umb.client.rtu import RTUClient
from umb.errors import ModbusError
from umb.fast import crc16

_CRC_COLLIDES = 0x000C, 0x0005  # FC 1 and 2: these differences of address and quantity leave it


_ADU = bytearray(14)


def fingerprint(code, address, quantity):
    adu = _ADU
    adu[6], adu[7], adu[8], adu[9] = 5, code, address >> 8, address & 0xFF
    adu[10], adu[11] = quantity >> 8, quantity & 0xFF
    return fingerprint_of(adu, 5, crc16(adu, 6, 6))


def test_requests_that_differ_have_other_numbers():
    """The CRC is linear: what two requests differ in decides whether their CRCs do."""
    for code in (1, 3):
        first = fingerprint(code, 0, 1)
        differences = range(1, 65536)
        for difference in differences if code == 1 else every_nth(differences, 7, code):
            assert fingerprint(code, difference, 1) != first, (code, difference)
    for code in (1, 2):
        for quantity in every_nth(range(1, 2001), 5, code):
            number = fingerprint(code, 0, quantity)
            for other in range((quantity - 1 & ~7) + 1, min((quantity - 1 | 7) + 1, 2000) + 1):
                if other == quantity:
                    continue
                for difference in (0, _CRC_COLLIDES[0], quantity ^ other):
                    assert fingerprint(code, difference, other) != number, (quantity, other)


def test_the_number_allocates_nothing_on_a_board():
    assert fingerprint(1, 0xFFFF, 2000) < 1 << 30


def test_codes_whose_requests_differ_in_many_ways():
    """Any two words may differ: no pair of one has the CRC of another and the second sum, too."""
    numbers = {}
    for first in range(0, 65536, 2047):
        for second in range(0, 65536, 1021):
            number = fingerprint(23, first, second)
            assert number not in numbers, (first, second, numbers[number])
            numbers[number] = first, second


def second_read(late, address, quantity):
    """Read one coil of slave 5 in vain, then others; the late reply to the first comes then."""
    clock.reset(step_us=20)
    uart = UART(9600, 8, 0, 1, cost_us=20)
    client = RTUClient(uart, baudrate=9600, parity=0, timeout_ms=100)
    uart.hear(160_000, frame(5, late))
    try:
        client.read_coils(5, 0, 1)
    except ModbusError:
        pass
    try:
        return client.read_coils(5, address, quantity)
    except ModbusError as error:
        return type(error).__name__


def test_coils_of_another_request_are_never_returned():
    for address in range(1, 16):
        for quantity in range(1, 9):
            got = second_read(b"\x01\x01\x01", address, quantity)
            assert got == "BadReplyError", (address, quantity, got)
    assert second_read(b"\x01\x01\x01", 0, 1) == [1]
