"""What a Panel gets and answers: JSON."""

import json

JSON = "application/json"


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


def refusal(status, why):
    """Return a response that says why a request was refused."""
    headers = {"Content-Type": JSON, "Cache-Control": "no-store"}
    return json.dumps({"error": why}), status, headers


def shown(value):
    """Return a value as browsers get it: None for an infinite number, which JSON does not have."""
    return None if isinstance(value, float) and value - value != 0 else value
