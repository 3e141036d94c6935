# Freezes umb: give this file to a port's build (FROZEN_MANIFEST=), or include() it in a manifest.
# Without options all of it; with some true only what they ask for and what that needs, as in
# include("umb/manifest.py", server=True, rtu=True):
#   server, client              a role; without a transport, over all of them
#   rtu, tcp, udp               a transport; without a role, for both of them
#   aio                         asyncio, and its clients if there are any
#   gateway, functions, points, poller, bridge, sparkplug, panel, ascii, tty   what is in the file
#                               mip/NAME.json
#   umodbus                     uModbus's modules as the package umodbus, and its socketserver
# An option that is False takes away what nothing else needs. thumb=True adds machine code that
# only ARM Thumb processors have. native=False leaves out the machine code that all can have, where
# a port's build does not tell mpy-cross for which processor (nrf, unix).
# ruff: noqa: F821 - manifest files are run with these names at hand
import json
import os

metadata(
    description="Modbus RTU and TCP for MicroPython boards",
    version="0.2.0",
    license="MIT",
    author="umb contributors",
)

roles, transports = ("server", "client"), ("rtu", "tcp", "udp")
others = ("aio", "gateway", "functions", "points", "poller", "bridge", "panel", "ascii", "tty")
others += ("sparkplug", "umodbus")
pairs = any(getattr(options, name) for name in roles + transports)  # a role and a transport
choosy = pairs or any(getattr(options, name) for name in others)


def asked(names):
    return [name for name in names if getattr(options, name)]


def allowed(names):
    return asked(names) or [name for name in names if getattr(options, name) is not False]


words = asked(others) if choosy else allowed(others)
if pairs or not choosy:
    words += allowed(roles) + allowed(transports)
files = {}  # what a file is called on the board: where it is
for name in sorted(os.listdir("mip")):
    part, dot, kind = name.partition(".")
    if kind == "json" and all(word in words for word in part.split("-")):
        with open("mip/" + name) as package_file:
            for target, address in json.load(package_file)["urls"]:
                source = address[len("../") :]
                if not source.endswith(".py"):
                    continue  # the page of umb.panel stays in the file system
                files[target if options.umodbus else source] = source
if not options.thumb:
    files.pop("umb/fast/thumb.py", None)
if options.native is False:
    files.pop("umb/fast/viper.py", None)
    files.pop("umb/fast/values_viper.py", None)
for target, source in sorted(files.items()):
    module(target, base_path=source[: -len(target) - 1] or ".", opt=3)
