"""The page, and what browsers are told of it. dev.py panel sets the three digests."""

_NAME = "page.html.gz"
ENTITY_TAG = '"3e56a8eb622aafa0"'
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'sha256-qqGoyFEVqjQcAnqrDBH1pqGt92+z8gS05ypqlFvMnYU='; "
    "style-src 'sha256-O2nojptnReJweziyugJClxgBOQTuHSjXphbt/SxDaas='; "
    "connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def open_page():
    """Return the page as a file: from beside this one, or from where mip puts it."""
    try:
        return open(__file__.rpartition("/")[0] + "/" + _NAME, "rb")
    except OSError:
        return open("/lib/umb/panel/" + _NAME, "rb")  # this module is frozen
