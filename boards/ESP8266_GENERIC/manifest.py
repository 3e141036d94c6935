# ruff: noqa: F821 - manifest files are run with these names at hand
include("$(BOARD_DIR)/manifest_2MiB.py")
include("../manifest.py", board="ESP8266_GENERIC")
