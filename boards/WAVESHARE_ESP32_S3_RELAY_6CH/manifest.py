# ruff: noqa: F821 - manifest files are run with these names at hand
include("$(PORT_DIR)/boards/manifest.py")
include("../manifest.py", board="WAVESHARE_ESP32_S3_RELAY_6CH")
