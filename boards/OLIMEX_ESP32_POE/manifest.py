# ruff: noqa: F821 - manifest files are run with these names at hand
include("$(PORT_DIR)/boards/manifest.py")
include("../manifest.py", board="OLIMEX_ESP32_POE")
