"""The parts of the application: which there are, and how they are loaded.

A part is a folder of this package with two modules; boards/README.md says what stands in them.
"""

ROLES = ("io", "gateway", "poller")  # the setting "role" names one of them
OPTIONAL = ("panel", "mqtt")  # each is there if the file has a setting of its name, an object


def settings_of(name):
    """Return the module with the rules of a part's settings. CPython runs it, too."""
    return __import__(name + ".settings", globals(), None, ("SETTINGS",), 1)


def part_of(name):
    """Return the module with the class Part of a part."""
    return __import__(name + ".part", globals(), None, ("Part",), 1)


def make(name, application):
    """Return the Part of this name for an Application."""
    return part_of(name).Part(application)
