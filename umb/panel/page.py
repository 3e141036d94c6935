"""The page, and what browsers are told of it. dev.py panel sets the three digests."""

_NAME = "page.html.gz"
ENTITY_TAG = '"50203755c934675d"'
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'sha256-+ZQnchDqkiorlyjOtlt5G0JZ54GPsK+PTp/Oqp5gyso='; "
    "style-src 'sha256-2sBIZz2PP0O0LRsIjsbFmOIsV2+jzMN+CgPhPrpdSB8='; "
    "connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def open_page():
    """Return the page as a file: from beside this one, or from where mip puts it."""
    try:
        return open(__file__.rpartition("/")[0] + "/" + _NAME, "rb")
    except OSError:
        return open("/lib/umb/panel/" + _NAME, "rb")  # this module is frozen
