"""The page, and what browsers are told of it. dev.py panel sets the three digests."""

_NAME = "page.html.gz"
ENTITY_TAG = '"5430fe3c5455c753"'
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'sha256-FUTS3CkxS0tqsHCXJC33YHefDqnN+YOOM3OFZJ2Zgx0='; "
    "style-src 'sha256-7tcAlHfIoUMV6DPFEazKEC6SYtaF3GNB027Bh73WZGo='; "
    "connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def open_page():
    """Return the page as a file: from beside this one, or from where mip puts it."""
    try:
        return open(__file__.rpartition("/")[0] + "/" + _NAME, "rb")
    except OSError:
        return open("/lib/umb/panel/" + _NAME, "rb")  # this module is frozen
