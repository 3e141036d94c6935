"""What a server may have made of bytes that can be read as requests in more than one way."""


def ways(model, link, found, answered):
    """What a server may have done with these readings: (model, link, how many answers) each.

    found      readings as in readings.py, by where they begin and end
    answered   answered(i, slave_id, answer) returns whether this is the i-th answer that was sent

    A request that is certain is executed and answered. Another one may be lost, executed without
    an answer because more follows, or both executed and answered. A byte belongs to one request at
    most, so of two that overlap one is executed.
    """
    some = [_Way(model, link, 0, found[0][3])]
    for reading in found:
        certain, _, _, begin, _ = reading
        if not certain:
            some = [way.unsure() for way in some]
        after = [] if certain else some[:]
        for way in some:
            if begin >= way.left:
                for other in way.executed(reading, answered):
                    _add(after, other)
        some = after
    return [(way.model, way.link, way.count) for way in some]


class _Way:
    """What was done up to some byte: `count` answers, and the bytes from `left` on are left."""

    def __init__(self, model, link, count, left):
        self.model = model
        self.link = link
        self.count = count
        self.left = left

    def unsure(self):
        """The same, but the counters cannot be known any more."""
        link = self.link.copy()
        link.sure = link.exact = False
        return _Way(self.model, link, self.count, self.left)

    def executed(self, reading, answered):
        """What may follow when a request is executed."""
        certain, slave_id, pdu, _, end = reading
        model, link = self.model.copy(), self.link.copy()
        answer = model.request(slave_id, pdu, link)
        if not certain:
            link.sure = link.exact = False
        found = []
        if not certain and model.same_data(self.model) and link.same_mode(self.link):
            # Without an answer nobody sees that it was executed: that is like being lost.
            model, link = self.model, self.link
        elif answer is None or not certain:
            found.append(_Way(model, link, self.count, end))
        if answer is not None and answered(self.count, slave_id, answer):
            found.append(_Way(model, link, self.count + 1, end))
        return found


def _add(some, way):
    """Add a way, unless there is one that differs only in that it leaves more bytes."""
    for other in some:
        if (other.model, other.count) == (way.model, way.count) and other.left <= way.left:
            return
    some.append(way)
