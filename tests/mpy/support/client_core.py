"""A Client whose driver is a script: no line and no network, only requests and responses."""

from support.pdu import raw, shown

from umb.client import Client
from umb.client.status import NO_REPLY, PENDING


class Scripted(Client):
    """A Client that is answered by `respond`.

    respond   respond(slave_id, pdu) -> response PDU, or a status, or hexadecimal digits
    """

    def __init__(self, respond=None, serial=False, timeout_ms=500, retries=0, **options):
        super().__init__(bytearray(262), timeout_ms, retries, **options)
        self.serial = self.broadcast = serial
        self.took = 7
        self.respond = respond or (lambda *_: NO_REPLY)
        self.asked = []  # (slave id, PDU in hexadecimal)
        self.opened = self.closed = self.abandoned = 0

    def open(self):
        self.opened += 1
        return 0

    def close(self):
        self.closed += 1

    def clear(self):
        return False

    def start(self, n):
        self._prepare_reply(n)
        adu = self._adu
        self._request_pdu = bytes(adu[7 : 7 + n])
        self.asked.append((adu[6], shown(self._request_pdu).replace(" ", "")))
        self._n = 0
        return 0 if self._expected.broadcast else PENDING

    def wait(self):
        return self.advance()

    def nap_ms(self):
        return 0

    def took_ms(self):
        return self.took

    def advance(self):
        response = self.respond(self._expected.slave_id, self._request_pdu)
        if isinstance(response, int):
            return response
        if isinstance(response, str):
            response = raw(response)
        self._adu[7 : 7 + len(response)] = response
        self._n = len(response)
        return self._expected.status(self._adu, self._n)

    def abandon(self):
        self.abandoned += 1
