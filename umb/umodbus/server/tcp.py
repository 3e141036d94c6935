"""Servers in networks: get_server() for socketserver.TCPServer, and the RequestHandler."""

from micropython import const

from umb.frame import refuse

from ..utils import pack_mbap, unpack_mbap
from . import Dispatcher

_HEADER = const(7)  # bytes of the MBAP header (TCP Guide 3.1.3)
_ADU_LEAST = const(8)  # with a function code
_ADU_MOST = const(260)  # with a PDU of 253 bytes (AP 4.1)
_DEVICE_FAILURE = const(4)


class RequestHandler:
    """Makes a response ADU of a request ADU: the class that get_server() is given.

    A subclass may override each of these methods, to see or to change what passes. Receiving and
    sending are the server's: there is one handler for all its clients, whose requests come whole
    and one by one.

    server           the server that was made, with the decorator route()
    client_address   (host, port) of whoever sent the request at hand
    """

    def __init__(self, dispatcher):
        self.server = None
        self.client_address = None
        self._execute = dispatcher.execute

    def process(self, request_adu) -> bytes:
        """Return the response to a request, both as ADUs with their MBAP headers."""
        meta_data = self.get_meta_data(request_adu)
        response_pdu = self.execute_route(meta_data, self.get_request_pdu(request_adu))
        return self.create_response_adu(meta_data, response_pdu)

    def execute_route(self, meta_data: dict, request_pdu) -> bytes:
        """Return the response PDU to a request PDU; the rules for meta_data["unit_id"] make it."""
        return self._execute(meta_data["unit_id"], request_pdu)

    def get_meta_data(self, request_adu) -> dict:
        """Return the MBAP header: transaction_id, protocol_id, length and unit_id."""
        transaction_id, protocol_id, length, unit_id = unpack_mbap(request_adu[:7])
        return {
            "transaction_id": transaction_id,
            "protocol_id": protocol_id,
            "length": length,
            "unit_id": unit_id,
        }

    def get_request_pdu(self, request_adu) -> bytes:
        """Return the PDU of a request."""
        return request_adu[7:]

    def create_response_adu(self, meta_data: dict, response_pdu) -> bytes:
        """Return a response with the MBAP header that belongs to the request's."""
        header = pack_mbap(
            meta_data["transaction_id"],
            meta_data["protocol_id"],
            len(response_pdu) + 1,
            meta_data["unit_id"],
        )
        return header + response_pdu


class _HandlerDispatcher(Dispatcher):
    """A Dispatcher whose requests pass through a RequestHandler of the program's own."""

    def __init__(self, request_handler_class):
        super().__init__(0)
        self.handler = request_handler_class(self)
        self._adu = None  # the buffer and the link of the request at hand
        self._link = None

    def respond(self, adu, n, link):
        """Have the handler answer the request PDU of n bytes at adu[7]."""
        self._adu = adu
        self._link = link
        handler = self.handler
        handler.client_address = link.peer
        unit_id = adu[6]
        function_code = adu[7]
        header = pack_mbap(adu[0] << 8 | adu[1], 0, n + 1, unit_id)
        try:
            response = handler.process(header + bytes(adu[7 : 7 + n]))
            size = len(response)
            if not _ADU_LEAST <= size <= _ADU_MOST:
                raise ValueError("process() must return an ADU of 8..260 bytes, not %d" % size)
            adu[:size] = response
            return size - _HEADER
        except Exception as error:  # noqa: BLE001 - whatever it does, the server goes on
            self.report(error, link)
            adu[6] = unit_id
            adu[7] = function_code
            return refuse(adu, _DEVICE_FAILURE)

    def execute(self, unit_id, request_pdu):
        """Return the response PDU of the rules for a unit id to a request PDU."""
        adu = self._adu
        n = len(request_pdu)
        adu[6] = unit_id
        adu[7 : 7 + n] = request_pdu
        n = super().respond(adu, n, self._link)
        return bytes(adu[7 : 7 + n])


def get_server(
    server_class, server_address: tuple, request_handler_class=RequestHandler, **options
):
    """Return server_class(server_address) with the decorator route().

    server_class            socketserver.TCPServer or a subclass; umb.server.tcp.TCPServer and
                            umb.server.udp.UDPServer will do, too
    request_handler_class   RequestHandler, or a subclass that sees or changes what passes
    options                 keywords for server_class, such as max_clients=2

    Unit ids 0 and 255 are the first slave id that rules name (TCP Guide 4.4.2.1). Raises OSError
    where the address cannot be had.
    """
    if request_handler_class is RequestHandler:  # nothing to pass through: the way without copies
        return server_class(server_address, Dispatcher(0), **options)
    dispatcher = _HandlerDispatcher(request_handler_class)
    server = server_class(server_address, dispatcher, **options)
    dispatcher.handler.server = server
    return server
