"""The names of what a driver counts. Optional: loaded when a counter is asked for by its name."""

# In the order of FC 8's sub-functions 11 to 18 (AP 6.8), which is that of Counters.values.
NAMES = (
    "bus_message_count",
    "bus_communication_error_count",
    "bus_exception_error_count",
    "server_message_count",
    "server_no_response_count",
    "server_nak_count",
    "server_busy_count",
    "bus_character_overrun_count",
)


def read(counters, name):
    """Counters.__getattr__: the counter of this name. Raises AttributeError where there is none."""
    if name not in NAMES:
        raise AttributeError(name)
    return counters.values[NAMES.index(name)]
