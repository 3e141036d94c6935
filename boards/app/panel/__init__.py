"""The optional part "panel": a page for browsers."""
