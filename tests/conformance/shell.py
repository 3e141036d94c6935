"""A MicroPython in which one looks at parts of umb without a line."""

from tests.interop.peer_remote import Failed, Remote

_NOTHING = """
class Nothing:
    "A UART without a line."
    def any(self):
        return 0
    readinto = write = any
"""


class Shell(Remote):
    """See tests/interop/peer_remote.py; it has a Line, and a UART for that."""

    def __init__(self, micropython):
        super().__init__(micropython, _NOTHING)

    def raised(self, source):
        """Return the name of what an expression raises, or None."""
        try:
            self.evaluate(source)
        except Failed as failure:
            return failure.name
        return None

    def line(self, framer, **form):
        """Make `line`, with this frame and format."""
        named = "".join(f", {name}={value!r}" for name, value in form.items())
        self.run("from umb.port.uart import attach")  # anew: it is let go of
        self.run(f"line = attach(None, Nothing(), {framer!r}{named})")
