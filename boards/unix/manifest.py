# ruff: noqa: F821 - manifest files are run with these names at hand
include("$(PORT_DIR)/variants/standard/manifest.py")
include("../manifest.py", board="unix")
