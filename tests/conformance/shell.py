"""A MicroPython in which one looks at parts of umb without a line."""

from tests.interop.peer_remote import Failed, Remote

_SETUP = """
import umb.frame.ascii, umb.server.rtu

class Nothing:
    "A UART without a line."
    def any(self):
        return 0
    readinto = write = any
"""


class Shell(Remote):
    """See tests/interop/peer_remote.py; it has a Line, and a UART for that."""

    def __init__(self, micropython):
        super().__init__(micropython, _SETUP)

    def raised(self, source):
        """Return the name of what an expression raises, or None."""
        try:
            self.evaluate(source)
        except Failed as failure:
            return failure.name
        return None

    def line(self, framer, **form):
        """Make `line`, an RTUServer's, with these frames ("rtu" or "ascii") and this format."""
        named = "".join(f", {name}={value!r}" for name, value in form.items())
        frame = f"umb.frame.{framer}.{framer.upper()}"
        self.run(f"line = umb.server.rtu.RTUServer(Nothing(), framer={frame}{named}).line")
