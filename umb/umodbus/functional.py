"""uModbus's functional API: functions that make an ADU, and send_message(), which exchanges it.

read_coils(slave_id, starting_address, quantity) and so on, named and ordered as in uModbus, return
the request ADU as bytes. umb.client.tcp and umb.client.rtu hand out these names.
"""

from errno import EAGAIN, ETIMEDOUT

from micropython import const

from ..errors import BadReplyError, NoConnectionError, NoReplyError, exception_for
from ..frame.mbap import MBAP
from ..frame.rtu import RTU
from . import Client

_HEADER = const(7)


class _API(Client):
    """The calls of a Client, but each returns the request's ADU."""

    def __init__(self):
        super().__init__(bytearray(262), 0, 0)

    def _call(
        self, code, slave_id, address, quantity, values=None, into=None, signed=None, extra=0
    ):
        n = self._build(code, slave_id, address, quantity, values, into, extra)
        return self._adu_of(n)

    def _decode(self, pdu, request):
        """The value of a response PDU, as send_message() returns it. Raises ModbusError."""
        request = (request + b"\0\0\0\0\0\0")[:7]
        code = request[0]
        values = None
        quantity = 1
        if code > 4:
            self._asked[:] = request[1:]
        if code == 5:
            values = request[3] == 0xFF
        elif code == 6:
            values = self._signed(request[3] << 8 | request[4])
        elif code in b"\x01\x02\x03\x04\x0f\x10\x17":
            quantity = request[3] << 8 | request[4]
        self._adu[7 : 7 + len(pdu)] = pdu
        self._n = len(pdu)
        status = self._check(0, code, quantity)
        return self._result(status, code, quantity, values, None, None)

    @staticmethod
    def _signed(value):
        from .. import conf

        return value - 0x10000 if conf.SIGNED_VALUES and value & 0x8000 else value

    def parse_response_adu(self, resp_adu, req_adu=None):
        """The value of a response ADU; the request's ADU tells how much was asked for.

        Without it all that came is returned: bits by whole bytes.
        """
        pdu = self._pdu_of(resp_adu)
        if req_adu is not None:
            return self._decode(pdu, self._pdu_of(req_adu))
        if len(pdu) < 2:
            raise BadReplyError("nothing but a function code")
        if 0 < pdu[0] < 5:
            quantity = pdu[1] * 8 if pdu[0] < 3 else pdu[1] // 2
            return self._decode(pdu, bytes((pdu[0], 0, 0, quantity >> 8, quantity & 0xFF)))
        return self._decode(pdu, bytes((pdu[0] & 0x7F,)) + pdu[1:])

    def raise_for_exception_adu(self, resp_adu):
        """Raise the umb.errors exception that a response ADU stands for, if it is one."""
        pdu = self._pdu_of(resp_adu)
        if pdu[0] & 0x80:
            if len(pdu) != 2 or not pdu[1]:
                raise BadReplyError("an exception without a code")
            raise exception_for(pdu[1])


class _TCP(_API):
    _transaction = 0

    def _adu_of(self, n):
        self._transaction = self._transaction + 1 & 0xFFFF
        self._adu[0] = self._transaction >> 8
        self._adu[1] = self._transaction & 0xFF
        return bytes(self._adu[: MBAP.seal(self._adu, n)])

    @staticmethod
    def _pdu_of(adu):
        if len(adu) < 8 or MBAP.missing(adu, len(adu)):
            raise BadReplyError("not a Modbus TCP frame")
        return adu[_HEADER:]

    def send_message(self, adu, sock):
        """Send a request over a connected socket. Returns the response's value.

        Raises NoReplyError when the socket's timeout runs out, NoConnectionError when it closes.
        """
        try:
            sock.write(adu)
            while True:
                answer = self._read(sock, _HEADER)
                if answer[2:4] != b"\0\0" or not 2 <= (answer[4] << 8 | answer[5]) <= 254:
                    raise BadReplyError("not a Modbus TCP frame")
                answer += self._read(sock, (answer[4] << 8 | answer[5]) - 1)
                if answer[:2] == adu[:2] and answer[6] == adu[6]:
                    return self.parse_response_adu(answer, adu)
        except OSError as error:
            kind = NoReplyError if error.errno in (EAGAIN, ETIMEDOUT) else NoConnectionError
            raise kind(str(error))

    @staticmethod
    def _read(sock, n):
        data = sock.read(n)
        if data is None:
            raise NoReplyError("the socket does not wait")
        if len(data) < n:
            raise NoConnectionError("the connection was closed")
        return data


class _RTU(_API):
    serial = True

    def _adu_of(self, n):
        size = RTU.seal(self._adu, n)
        return bytes(self._adu[6 : 6 + size])

    @staticmethod
    def _pdu_of(adu):
        from ..crc import crc16

        if len(adu) < 4 or crc16(adu, 0, len(adu)):
            raise BadReplyError("not an RTU frame")
        return adu[1:-2]

    def send_message(self, adu, client):
        """Send a request with an RTUClient, which knows pin and format. Returns its value."""
        request = self._pdu_of(adu)
        answer = client.request(adu[0], request)
        return None if answer is None else self._decode(answer, request)


_tcp = _TCP()
_rtu = _RTU()


def _find(api, name):
    if name.startswith("_"):
        raise AttributeError(name)
    return getattr(api, name)


def tcp(name):
    """What umb.client.tcp has under this name, for Modbus TCP."""
    return _find(_tcp, name)


def rtu(name):
    """What umb.client.rtu has under this name, for RTU."""
    return _find(_rtu, name)
