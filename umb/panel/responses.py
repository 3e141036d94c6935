"""What responses to requests of a Panel say, in words."""

from ..errors import exception_for


def why_not(response) -> str:
    """Return why a request was not carried out, "" if it was; response: its response PDU."""
    if not response:
        return "there was no answer"
    if response[0] & 0x80:
        return str(exception_for(response[1], "refused: "))
    return ""
