"""Counters: what a serial line or a network server counts, as FC 8 and 11 report it (AP 6.8)."""


class Counters:
    """The counters of one driver: FC 8, sub-functions 11 to 18. Each has 16 bits and wraps."""

    def __init__(self):
        self.clear()

    def clear(self):
        """Set every counter to 0."""
        self.bus_message_count = 0  # messages seen on the line, whoever they were for
        self.bus_communication_error_count = 0  # wrong CRC, LRC, length or framing
        self.bus_exception_error_count = 0  # exception responses sent
        self.server_message_count = 0  # messages addressed to this device, or broadcast
        self.server_no_response_count = 0  # messages that were not answered
        self.server_nak_count = 0  # exceptions 7 sent
        self.server_busy_count = 0  # exceptions 6 sent
        self.bus_character_overrun_count = 0  # no port tells: always 0
        # Requests that were carried out, broadcasts too (AP 6.9); without exceptions and without
        # requests for this very number.
        self.event_count = 0
        self.logged_error_count = 0  # communication errors that are in an event log already
