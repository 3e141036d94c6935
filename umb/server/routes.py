"""Routes: endpoints that answer for addresses, in place of a store.

An endpoint is called once per address, with keywords: slave_id, function_code, address, and for
writes value. What a read endpoint returns is the value.
"""

from .. import conf
from ..store import Bits, Registers

_INTEGER = (int, bool)  # MicroPython's bool is not an int


class _Rule:
    """Which requests an endpoint answers. None matches everything, else whatever `in` finds."""

    def __init__(self, endpoint, slave_ids, function_codes, addresses, signed):
        self.endpoint = endpoint
        self.slave_ids = slave_ids
        self.function_codes = function_codes
        self.first, self.last = 0, 65535
        n = len(addresses) if isinstance(addresses, range) else 0
        if n and n == addresses[-1] - addresses[0] + 1:
            self.first, self.last = addresses[0], addresses[-1]
            addresses = None  # two comparisons instead of a walk
        self.addresses = addresses
        self._signed = signed

    def matches(self, slave_id, function_code, address):
        return (
            self.first <= address <= self.last
            and (self.addresses is None or address in self.addresses)
            and (self.function_codes is None or function_code in self.function_codes)
            and (self.slave_ids is None or slave_id in self.slave_ids)
        )

    def signed(self):
        return conf.SIGNED_VALUES if self._signed is None else self._signed


class Routes:
    """The rules of a server, in the order of their making: the first that matches wins."""

    def __init__(self):
        self._rules = []

    def adder(self, slave_ids, function_codes, addresses, signed):
        """Return the decorator that makes a rule of an endpoint, see Server.route()."""

        def add(endpoint):
            self._rules.append(_Rule(endpoint, slave_ids, function_codes, addresses, signed))
            return endpoint

        return add

    def concern(self, slave_id):
        """Return whether any rule is about this slave id, or about all that are served."""
        for rule in self._rules:
            if rule.slave_ids is None or slave_id in rule.slave_ids:
                return True
        return False

    def _find(self, slave_id, function_code, address):
        for rule in self._rules:
            if rule.matches(slave_id, function_code, address):
                return rule
        return None

    def serve(self, adu, slave_id):
        """Answer the request at adu[7] (which standard.check() has accepted) in place.

        Returns the response's length; 0 where no address has a rule; -2, an exception code, where
        only some have. Endpoints' exceptions pass through.
        """
        function_code = adu[7]
        address = adu[8] << 8 | adu[9]
        quantity = 1 if 5 <= function_code <= 6 else adu[10] << 8 | adu[11]
        found = 0
        for i in range(address, address + quantity):
            if self._find(slave_id, function_code, i) is not None:
                found += 1
        if found != quantity:
            return -2 if found else 0
        if function_code < 5:
            return self._read(adu, slave_id, address, quantity)
        return self._write(adu, slave_id, address, quantity)

    def _read(self, adu, slave_id, address, quantity):
        function_code = adu[7]
        kind = Bits if function_code < 3 else Registers
        size = quantity * kind.bits + 7 >> 3
        adu[8] = size
        adu[8 + size] = 0  # the rest of the last byte, should these be bits
        for i in range(quantity):
            rule = self._find(slave_id, function_code, address + i)
            value = rule.endpoint(
                slave_id=slave_id, function_code=function_code, address=address + i
            )
            if not isinstance(value, _INTEGER):
                raise ValueError("an endpoint must return an integer")
            kind.poke(adu, 9, i, value)
        return 2 + size

    def _write(self, adu, slave_id, address, quantity):
        function_code = adu[7]
        at = 13 if function_code >= 15 else 10
        for i in range(quantity):
            rule = self._find(slave_id, function_code, address + i)
            if function_code in (5, 15):
                value = Bits.value(adu, at, i)
            else:
                value = adu[at + 2 * i] << 8 | adu[at + 2 * i + 1]
                if value & 0x8000 and rule.signed():
                    value -= 0x10000
            rule.endpoint(
                slave_id=slave_id, function_code=function_code, address=address + i, value=value
            )
        return 5
