# Freezes umb: give this file to a port's build (FROZEN_MANIFEST=), or include() it in a manifest.
# Without options all of it; with some true only what they ask for and what that needs, as in
# include("umb/manifest.py", server=True, rtu=True):
#   server, client              a role; without a transport, over all of them
#   rtu, tcp, udp               a transport; without a role, for both of them
#   aio, gateway, ascii, tty    what the package file of that name has
# An option that is False takes away what nothing else needs. thumb=True adds machine code that
# only ARM Thumb processors have. native=False leaves out the machine code that all can have, where
# a port's build does not tell mpy-cross for which processor (nrf, unix).
# ruff: noqa: F821 - manifest files are run with these names at hand
import json

metadata(
    description="Modbus RTU and TCP for MicroPython boards",
    version="0.1.0",
    license="MIT",
    author="umb contributors",
)

roles, transports = ("server", "client"), ("rtu", "tcp", "udp")
others = ("aio", "gateway", "ascii", "tty")
choosy = any(getattr(options, name) for name in roles + transports + others)


def chosen(names):
    asked = [name for name in names if getattr(options, name)]
    return asked or [name for name in names if getattr(options, name) is not False]


parts = [name for name in chosen(others) if getattr(options, name) or not choosy]
if not choosy or any(getattr(options, name) for name in roles + transports):
    parts += [f"{role}-{transport}" for role in chosen(roles) for transport in chosen(transports)]
files = set()
for part in parts:
    with open(part + ".json") as package_file:
        files.update(target for target, _ in json.load(package_file)["urls"])
if not options.thumb:
    files.discard("umb/_thumb.py")
if options.native is False:
    files.discard("umb/_viper.py")
package("umb", files=sorted(file.partition("/")[2] for file in files), opt=3)
