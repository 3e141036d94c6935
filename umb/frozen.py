"""Keeps requests of lines that are served in the background from coming in between: see Store."""


class Frozen:
    """A context manager: while its block runs, requests wait. There is one for all stores.

    lines   what has look_soon(), to be called when they need wait no longer
    """

    def __init__(self):
        self.depth = 0  # how many blocks the program is in, one within another
        self.missed = False  # whether a line has something to do that waits for the end
        self.lines = []

    def __enter__(self):
        self.depth += 1

    def __exit__(self, kind, error, traceback):
        self.depth -= 1
        if self.missed and not self.depth:
            self.missed = False
            for line in self.lines:
                line.look_soon()


frozen = Frozen()
