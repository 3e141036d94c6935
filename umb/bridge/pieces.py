"""Pieces: a message that is made piece by piece, so that no step keeps a bus waiting."""


def next_of(pieces):
    """Return the next one that an iterator yields, None if there is none.

    Not all of MicroPython's ports have next(pieces, None).
    """
    try:
        return next(pieces)
    except StopIteration:
        return None


class Pieces:
    """The pieces of a message, which the iterator `source` yields, as bytes.

    pieces   those that were made; None if they are only counted
    size     how many bytes they have
    """

    def __init__(self, source, are_kept=True):
        self.pieces = [] if are_kept else None
        self.size = 0
        self._source = source

    def go_on(self) -> bool:
        """Make the next one. Returns whether there is none."""
        piece = next_of(self._source)
        if piece is None:
            return True
        self.size += len(piece)
        if self.pieces is not None:
            self.pieces.append(piece)
        return False
