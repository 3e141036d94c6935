# Freezes the whole of umb: include() this file in a board's manifest, or build a port with
# make FROZEN_MANIFEST=/path/to/manifest.py
metadata(  # noqa: F821 - manifest files are run with these names at hand
    description="Modbus RTU and TCP for MicroPython boards",
    version="0.1.0",
    license="MIT",
    author="umb contributors",
)
package("umb", opt=3)  # noqa: F821
