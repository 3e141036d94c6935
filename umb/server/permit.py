"""Permit: asks a function whether a request may be carried out. Loaded where one is given."""

from micropython import const

from .standard import check

_ILLEGAL_FUNCTION = const(1)
_DEVICE_FAILURE = const(4)
_READ_REGISTERS = const(3)
_MASK_WRITE = const(22)
_READ_WRITE = const(23)


class Permit:
    """Asks `permit`, see umb.server.Server, about requests for a Server, or for its Gateway.

    server   the Server whose report() is told what the function raises
    """

    def __init__(self, permit, server):
        self._permit = permit
        self._server = server
        self._checked = 0  # what check() has returned for the request at hand
        self._ask = self._ask  # bound once: a bound method is an allocation

    def allows(self, adu, link, exception_code):
        """Return whether the request at adu[7] may be carried out. Raises what permit raises.

        exception_code   what check() has returned: 0, or 1 for a function code that has no
                         addresses
        """
        if exception_code:
            return self._permit(adu[6], adu[7], None, 0, link)
        return (adu[7] != _READ_WRITE or self._may_read(adu, link)) and self._permit(
            adu[6], adu[7], _address(adu), _quantity(adu), link
        )

    def _may_read(self, adu, link):
        """Return whether the reading part of function code 23 may be carried out."""
        return self._permit(
            adu[6], _READ_REGISTERS, adu[8] << 8 | adu[9], adu[10] << 8 | adu[11], link
        )

    def refusal(self, adu, n, link):
        """Return the exception code for a request PDU of n bytes that is passed on, 0 for none."""
        n = check(adu, n)
        if n > _ILLEGAL_FUNCTION:
            return n
        self._checked = n
        n = self._server.notify(self._ask, adu, link)
        return _DEVICE_FAILURE if n is None else n

    def _ask(self, adu, link):
        """Return the exception code for the request that was checked, 0 for none."""
        return 0 if self.allows(adu, link, self._checked) else _ILLEGAL_FUNCTION


def _address(adu):
    """Return the first address, of function code 23 the first one that is written."""
    if adu[7] == _READ_WRITE:
        return adu[12] << 8 | adu[13]
    return adu[8] << 8 | adu[9]


def _quantity(adu):
    """Return how many addresses are read or written."""
    if adu[7] == _READ_WRITE:
        return adu[14] << 8 | adu[15]
    if 5 <= adu[7] <= 6 or adu[7] == _MASK_WRITE:
        return 1
    return adu[10] << 8 | adu[11]
