"""What answers the requests of uModbus's servers: rules that map addresses to functions."""

from umb.fast import crc16
from umb.server import Server, print_error

from .. import log
from ..utils import pack_mbap


class Dispatcher(Server):
    """A umb.server.Server for rules alone, which logs frames and answers as uModbus does.

    lowest_id   rules whose slave_ids are None answer for every slave id from this one on: 0 in
                networks, 1 on serial lines, where 0 is a broadcast
    """

    def __init__(self, lowest_id: int):
        super().__init__(None, (), on_error=self._log_error)
        self._lowest_id = lowest_id
        self._for_every_id = False

    def route(self, slave_ids=None, function_codes=None, addresses=None, *, signed=None):
        """Decorator: have a function answer for these addresses; None stands for all.

        Slave ids, function codes and addresses may be whatever `in` works on. The function is
        called once per address with the keywords slave_id, function_code and address, and for
        writes value; for reads it returns the value. Rules are tried in the order of their making.
        """
        if slave_ids is None:
            self._for_every_id = True
            if not self.stores:
                self.add(1, None)  # for whom broadcasts are done
        return super().route(slave_ids, function_codes, addresses, signed=signed)

    def serves(self, slave_id):
        """Return whether there are rules for this slave id."""
        if self._for_every_id and slave_id >= self._lowest_id:
            return True
        return super().serves(slave_id)

    def handle(self, adu, n, link):
        """Answer a request as umb.server.Server.handle() does, and log both frames."""
        if not log.enabled(log.DEBUG):
            return self.respond(adu, n, link)
        _log_frame("<--", adu, n, link)
        n = self.respond(adu, n, link)
        if n > 0:
            _log_frame("-->", adu, n, link)
        return n

    def respond(self, adu, n, link):
        """Answer the request PDU of n bytes at adu[7] in place. Returns the response's length."""
        return super().handle(adu, n, link)

    @staticmethod
    def _log_error(error, link):
        """Log what an endpoint raised; if there is no log, print its traceback."""
        if log.handlers:
            log.exception("a request was answered with exception 4", error)
        else:
            print_error(error, link)


def _log_frame(arrow, adu, n, link):
    """Log the frame whose PDU of n bytes is at adu[7], as it travels."""
    if link.serial:
        crc = crc16(adu, 6, n + 1)
        frame = bytes(adu[6 : 7 + n]) + bytes((crc & 0xFF, crc >> 8))
        log.debug("%s %s" % (arrow, frame.hex()))
    else:
        frame = pack_mbap(adu[0] << 8 | adu[1], 0, n + 1, adu[6]) + bytes(adu[7 : 7 + n])
        log.debug("%s %s - %s" % (arrow, link.peer[0], frame.hex()))
