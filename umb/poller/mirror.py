"""Mirror: what a Poller reads of a device, as a Store that is served on.

mirror = Mirror(poller.device(7, points))
serve(poller, TCPServer(("0.0.0.0", 502), Server(mirror)))
"""

from micropython import const

from ..errors import GatewayTargetDeviceFailedToRespondError, IllegalDataAddressError
from ..points.store import PointStore

_WHOLE = const(0xFFFF)  # the mask of a point that has all of its registers
_MOST_DATA = const(250)  # of a response (AP 6.3), and so of a point


class Mirror(PointStore):
    """The registers and bits of a polled device, at the same addresses.

    device   what Poller.device() has returned

    Clients read what the device said last. Exception 11 is the answer for values that have not
    been read, for those that are older than max_age_ms, and for all of a device that is offline;
    exception 2 where there is no point, and for a point that the device does not support.

    What clients write to writable points is written to the device as soon as possible. The answer
    comes at once, before that is done: Poller's on_error tells of a write that has failed. A value
    is read back as it was written until the device has been asked again.

    Serve it with serve(); in networks umb.aio.serve() is as good. Not in the background, as
    RTUServer.start() does and umb.aio.serve() with serial lines: there a request could come while
    half of a value is there. A refusal allocates, as every exception of
    a hook does. Raises ValueError where points overlap, see PointStore.
    """

    def __init__(self, device):
        self._device = device
        self._bytes = bytearray(_MOST_DATA)  # of one point
        self._hooks = [self._hook(area) for area in range(4)]
        super().__init__(device.points, on_change=device.__setitem__)

    def _hook(self, area):
        """Return the on_read hook of an area, as its blocks do not know which one it is."""
        return lambda address, quantity: self._update(area, address, quantity, True)

    def _add_block(self, blocks, place):
        area = self.points.area(self._order[place])
        place = super()._add_block(blocks, place)
        blocks[area][-1].on_read = self._hooks[area]
        return place

    def _update(self, area, address, quantity, is_read):
        """Take the values of the points that begin at these addresses from the device.

        is_read   whether they are read: then each has to be there
        """
        if self._device.state == "offline":
            raise GatewayTargetDeviceFailedToRespondError
        place = self.place(area, address)
        end = address + quantity
        end = self.place(area, end)
        while place < end:
            if not self._copy(area, place) and is_read:
                raise self._refusal(place)
            place += 1

    def _copy(self, area, place):
        """Copy the value of the point at this place, if it has one. Returns whether it has."""
        i = self._order[place]
        if not self._device.copy(i, self._bytes):
            return False
        self._blocks[area].put(self.points.address(i), self.points.size(i), self._bytes, 0)
        return True

    def _refusal(self, place):
        """Return the exception for the point at this place, which has no value."""
        if self._device.is_unsupported(self._order[place]):
            return IllegalDataAddressError
        return GatewayTargetDeviceFailedToRespondError

    # --- as umb.points.store calls these while a write is answered

    def writable_size(self, area: int, address: int) -> int:
        """As PointStore has it. What is there now decides which bits a write changes."""
        size = super().writable_size(area, address)
        if size:
            self._update(area, address, size, False)
        return size

    def notify_changes(self, area: int, address: int, end: int) -> None:
        """Write what a client has written to the device: bits of registers if they differ."""
        place = self.place(area, address)
        end = self.place(area, end)
        while place < end:
            i = self._order[place]
            if self.points.mask(i) == _WHOLE:
                self._pass_on(i, self._blocks[area])
            elif self._has_changed(i, address):
                self._notify(i)
            place += 1

    def _pass_on(self, i, block):
        """Write the registers of point number i, or its bit, to the device."""
        size = self.points.size(i)
        data = bytearray(size * block.bits + 7 >> 3)
        block.get(self.points.address(i), size, data, 0)
        self._device.write_bytes(i, data)
