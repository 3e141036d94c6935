"""Routes: endpoints that answer for addresses, in place of a store.

An endpoint is called once per address, with keywords: slave_id, function_code, address, and for
writes value. What a read endpoint returns is the value.
"""

from ..store import Bits, Registers

CODES = b"\x01\x02\x03\x04\x05\x06\x0f\x10"  # the function codes that routes answer
_SLAVE_IDS = bytes(range(1, 248))
_ALLOWED = {"slave_ids": "1..247", "function_codes": "1..6, 15 and 16"}


def _checked(name, numbers, allowed):
    """Return these numbers as bytes, None for None. Raises ValueError or TypeError."""
    if numbers is None:
        return None
    try:
        numbers = tuple(numbers)
    except TypeError:
        raise TypeError("%s must be a list of numbers or None, not %r" % (name, numbers))
    for number in numbers:
        if not (isinstance(number, int) and number in allowed):
            raise ValueError("%s must be of %s, not %r" % (name, _ALLOWED[name], number))
    return bytes(numbers)


class _Rule:
    """Which requests an endpoint answers. The arguments are those of Server.route().

    slave_ids, function_codes   bytes, or None for all
    addresses                   a set; None: those from `first` to `last`, every `step`th
    signed                      whether values written are signed; None: umb.conf.SIGNED_VALUES
    """

    first = 0
    last = 65535
    step = 1
    addresses = None

    def __init__(self, slave_ids, function_codes, addresses, signed):
        if signed not in (None, False, True):
            raise ValueError("signed must be True, False or None, not %r" % (signed,))
        self.slave_ids = _checked("slave_ids", slave_ids, _SLAVE_IDS)
        self.function_codes = _checked("function_codes", function_codes, CODES)
        self.signed = signed
        self.endpoint = None
        if isinstance(addresses, range) and len(addresses):
            self._set_range(addresses)
        elif addresses is not None:
            self._set_list(addresses)
        if not 0 <= self.first <= self.last <= 65535:
            raise ValueError("addresses must be from 0 to 65535")

    def _set_range(self, addresses):
        """Keep a range as three numbers: to look for something in it takes MicroPython long."""
        self.first = min(addresses[0], addresses[-1])
        self.last = max(addresses[0], addresses[-1])
        if len(addresses) > 1:
            self.step = abs(addresses[1] - addresses[0])

    def _set_list(self, addresses):
        """Keep a list as a set, or as two numbers if it counts upwards."""
        try:
            addresses = list(addresses)
        except TypeError:
            raise TypeError("addresses must be a list, a range or None, not %r" % (addresses,))
        for address in addresses:
            if not (isinstance(address, int) and 0 <= address <= 65535):
                raise ValueError("an address must be 0 to 65535, not %r" % (address,))
        if addresses and addresses == list(range(addresses[0], addresses[0] + len(addresses))):
            self.first = addresses[0]
            self.last = addresses[-1]
        else:
            self.addresses = set(addresses)

    def matches(self, slave_id, function_code, address):
        """Return whether the endpoint answers for this address."""
        if self.addresses is None:
            if not self.first <= address <= self.last or (address - self.first) % self.step:
                return False
        elif address not in self.addresses:
            return False
        return (self.function_codes is None or function_code in self.function_codes) and (
            self.slave_ids is None or slave_id in self.slave_ids
        )


def _quantity(adu):
    return 1 if 5 <= adu[7] <= 6 else adu[10] << 8 | adu[11]


def _kind(adu):
    """Return the class of the values that the request at adu[7] is about."""
    code = adu[7]
    return Bits if code < 3 or code == 5 or code == 15 else Registers


class Routes:
    """The rules of a server, in the order of their making: the first that matches wins."""

    def __init__(self):
        self._rules = []
        # The arguments of _call_write(), set right before it: no interrupt comes between.
        self._slave_id = self._function_code = self._address = self._value = 0

    def add(self, server, slave_ids, function_codes, addresses, signed):
        """Return the decorator that adds a rule, see Server.route(), and have its ids served."""
        rule = _Rule(slave_ids, function_codes, addresses, signed)
        for slave_id in rule.slave_ids or ():
            if slave_id not in server.stores:
                server.add(slave_id, None)

        def decorate(endpoint):
            if not callable(endpoint):
                raise TypeError("an endpoint must be a function, not %r" % (endpoint,))
            rule.endpoint = endpoint
            self._rules.append(rule)
            return endpoint

        return decorate

    def has(self, slave_id: int) -> bool:
        """Return whether any rule is about this slave id, or about all that are served."""
        for rule in self._rules:
            if rule.slave_ids is None or slave_id in rule.slave_ids:
                return True
        return False

    def count(self, adu, slave_id: int) -> int:
        """Return for how many addresses of the request at adu[7] this device has a rule."""
        address = adu[8] << 8 | adu[9]
        end = address + _quantity(adu)
        found = 0
        while address < end:
            if self._find(slave_id, adu[7], address) is not None:
                found += 1
            address += 1
        return found

    def is_due(self, adu, stores, slave_ids, n) -> bool:
        """Return whether a broadcast is still to be done for slave_ids[n], see Server."""
        store = stores[slave_ids[n]]
        if store is None or self.count(adu, slave_ids[n]):
            return True
        while n:
            n -= 1
            if stores[slave_ids[n]] is store and not self.count(adu, slave_ids[n]):
                return False
        return True

    def _find(self, slave_id, function_code, address):
        i = 0
        while i < len(self._rules):
            rule = self._rules[i]
            if rule.matches(slave_id, function_code, address):
                return rule
            i += 1
        return None

    def serve(self, adu) -> int:
        """Answer the request at adu[7] (which standard.check() has accepted) in place.

        The device is the one at adu[6]. Returns the response's length; 0 where no address has a
        rule; -2, minus an exception code, where only some have. Exceptions of endpoints pass
        through.
        """
        found = self.count(adu, adu[6])
        if not found:
            return 0
        if found < _quantity(adu):
            return -2
        if adu[7] < 5:
            return self._read(adu)
        self._write(adu)
        return 5

    def _read(self, adu):
        address = adu[8] << 8 | adu[9]
        end = address + _quantity(adu)
        bits = _kind(adu).bits
        adu[8] = (end - address) * bits + 7 >> 3
        adu[8 + adu[8]] = 0  # the unused bits of the last byte, if these are bits
        bit = 9 << 3
        while address < end:
            self._read_value(adu, address, bit)
            bit += bits
            address += 1
        return 2 + adu[8]

    def _read_value(self, adu, address, bit):
        value = self._ask(adu, address)
        _kind(adu).encode(adu, bit, value)

    def _ask(self, adu, address):
        endpoint = self._find(adu[6], adu[7], address).endpoint
        return endpoint(slave_id=adu[6], function_code=adu[7], address=address)

    def _write(self, adu):
        address = adu[8] << 8 | adu[9]
        end = address + _quantity(adu)
        bits = _kind(adu).bits
        bit = (10 if adu[7] < 15 else 13) << 3
        while address < end:
            self._write_value(adu, address, bit)
            bit += bits
            address += 1

    def _write_value(self, adu, address, bit):
        rule = self._find(adu[6], adu[7], address)
        value = _kind(adu).decode(adu, bit)
        if rule.signed is not None and value & 0x8000:
            value &= 0xFFFF
            if rule.signed:
                value -= 0x10000
        self._slave_id = adu[6]
        self._function_code = adu[7]
        self._address = address
        self._value = value
        self._call_write(rule.endpoint)

    def _call_write(self, endpoint):
        """Call an endpoint for a write. With more locals its frame would be on the heap."""
        endpoint(
            slave_id=self._slave_id,
            function_code=self._function_code,
            address=self._address,
            value=self._value,
        )
