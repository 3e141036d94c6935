# ruff: noqa: F821 - manifest files are run with these names at hand
include("$(BOARD_DIR)/manifest.py")
include("../manifest.py", board="W5500_EVB_PICO")
