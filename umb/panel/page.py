"""The page, and what browsers are told of it. dev.py panel sets the three digests."""

_NAME = "page.html.gz"
ENTITY_TAG = '"20e77f149f7cd95a"'
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'sha256-5sKo+b6jKm5m6whEYW7pI43fir+6IyEIueZcLR31T3M='; "
    "style-src 'sha256-OIBvZcybysWIi9wE4EoP5q7NR+fX2t/GPcM+G+Fr2rc='; "
    "connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def open_page():
    """Return the page as a file: from beside this one, or from where mip puts it."""
    try:
        return open(__file__.rpartition("/")[0] + "/" + _NAME, "rb")
    except OSError:
        return open("/lib/umb/panel/" + _NAME, "rb")  # this module is frozen
