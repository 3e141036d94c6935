"""What a Panel gets and answers: JSON."""

import json

from micropython import const

JSON = "application/json"
_LONGEST_PIECE = const(500)  # characters of a long answer that are sent at once


def given(request):
    """Return the JSON object that was posted as a dict, None if it is none."""
    try:
        value = json.loads(request.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def as_json(value, cookie=None):
    """Return a response with this value."""
    headers = {"Content-Type": JSON, "Cache-Control": "no-store"}
    if cookie is not None:
        headers["Set-Cookie"] = cookie
    return json.dumps(value), 200, headers


def as_pieces(value):
    """Return a response with a value that is not in the memory as a whole at any time."""
    return pieces(value), 200, {"Content-Type": JSON, "Cache-Control": "no-store"}


def pieces(value):
    """Yield the JSON of a value in pieces; an iterator in it is an array, and asked as late."""
    piece = ""
    for part in _parts(value):
        piece += part
        if len(piece) >= _LONGEST_PIECE:
            yield piece
            piece = ""
    yield piece


def _parts(value):
    if isinstance(value, dict):
        before = "{"
        for key in value:
            yield before + json.dumps(key) + ":"
            for part in _parts(value[key]):
                yield part
            before = ","
        yield "}" if value else "{}"
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        before = "["
        for one in value:
            yield before
            for part in _parts(one):
                yield part
            before = ","
        yield "]"
    elif hasattr(value, "__next__"):
        before = "["
        for one in value:
            yield before + json.dumps(one)
            before = ","
        yield "]" if before == "," else "[]"
    else:
        yield json.dumps(value)


def refusal(status, why):
    """Return a response that says why a request was refused."""
    headers = {"Content-Type": JSON, "Cache-Control": "no-store"}
    return json.dumps({"error": why}), status, headers


def shown(value):
    """Return a value as browsers get it: None for an infinite number, which JSON does not have."""
    return None if isinstance(value, float) and value - value != 0 else value
