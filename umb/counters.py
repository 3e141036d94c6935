"""The counters of a driver by their names. Optional: loaded when they are asked for."""

# In the order of FC 8's sub-functions 11 to 18 (AP 6.8), which is that of Driver.counts.
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


class Counters:
    """What FC 8 and 11 report, 16 bits each; they wrap.

    counts  Driver.counts: the eight counters, and the log that FC 12 reports, or None
    """

    def __init__(self, counts):
        self.counts = counts

    def __getattr__(self, name):
        if name not in NAMES:
            raise AttributeError(name)
        return self.counts[NAMES.index(name)]

    def __setattr__(self, name, value):
        if name in NAMES:
            self.counts[NAMES.index(name)] = value
        else:
            object.__setattr__(self, name, value)
