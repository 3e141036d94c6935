"""The page, and what browsers are told of it. dev.py panel sets the three digests."""

_NAME = "page.html.gz"
ENTITY_TAG = '"8b23700dca4a46ac"'
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'sha256-EbpkqezFIJfX/T+F8hj7qqQDC5eGO7tLLuuMk4Z6PRE='; "
    "style-src 'sha256-ZRii8r6dD01khFwuRhLqpExpN06210kaS6uedIKdQnA='; "
    "connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def open_page():
    """Return the page as a file: from beside this one, or from where mip puts it."""
    try:
        return open(__file__.rpartition("/")[0] + "/" + _NAME, "rb")
    except OSError:
        return open("/lib/umb/panel/" + _NAME, "rb")  # this module is frozen
