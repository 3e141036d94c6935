"""Source: what a Panel shows as points, by number. A program may have one of its own."""


class Source:
    """What a Panel needs to know of points. umb.panel.sources has the usual ones.

    link   the PageLink of the Panel, for what is asked with request PDUs
    """

    link = None

    def count(self) -> int:
        """Return how many points there are."""
        raise NotImplementedError

    def describe(self, i: int) -> dict:
        """Return what is known of point number i.

        group      the device that it belongs to, as text
        name       its name
        value      its value: a number, a text, or None
        state      "", or why there is no value, such as "offline"
        writable   whether it can be written
        kind       "switch" for 0 and 1, "number" or "text"

        and what the points have: unit_of_measurement, min_value, max_value, precision.
        """
        raise NotImplementedError

    def value(self, i: int):
        """Return the value of point number i, None if there is none."""
        raise NotImplementedError

    def state(self, i: int) -> str:
        """Return "", or why point number i has no value."""
        raise NotImplementedError

    async def write(self, i: int, value) -> str:
        """Write point number i. Returns "", or why that was not done."""
        raise NotImplementedError
