"""umb.panel in MicroPython: asked over HTTP, and used in a browser."""
