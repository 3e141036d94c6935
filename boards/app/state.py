"""DeviceState: the values that the parts of the application share."""

from micropython import const

_FAIL_SAFE = const(1)  # the bits of input register 110
_NETWORK_DOWN = const(2)
_PROBLEMS = const(4)
_UNSAVED = const(8)
THE_PAGE = "the page"  # as changed_by


class DeviceState:
    """One object for the whole application. Each value is written by one part, and read by others.

    problems       sentences about settings and hardware that could not be used
    counters       the Counters of every driver (Application)
    broadcast      whether the request that is being carried out is a broadcast (DeviceServer)
    written        whether it has driven an output or stored a value (the hooks of blocks)
    was_heard      whether a request was carried out over a serial line (DeviceServer)
    records        the BusRecords of networks and of serial lines that are served, which note what
                   was refused; None: nobody shows that (the part "panel")
    denied         requests of networks that were refused, modulo 65536 (Access)
    fronts         the servers in the network, which count whom they have refused (Application)
    link           the link of the request that is carried out, or was the last one (DeviceServer)
    changes        how often clients have changed settings, modulo 65536 (Control, PageSettings)
    changed_by     who did so last: (host, port), None for a master on a serial line, or
                   THE_PAGE (as above)
    carried_out    requests that were carried out, modulo 65536 (DeviceServer)
    unsaved        whether clients have changed settings that are not saved (Control)
    new_settings   the new content of the file of settings, which is to be written (Trial,
                   PageSettings)
    ordered_settings  a function that returns the content that a client has ordered to be written
                   after that; None: none has (Control)
    save_problem   why new_settings could not be written the last time, "" if they were (Keeper)
    restarting     whether a client has ordered a restart (Control)
    fail_safe      whether outputs are at their safe values because masters are silent (Keeper)
    silence_ms     the time since a request was last carried out, up to 2**28 (Keeper)
    uptime_s       the time since the start (Keeper)
    free_bytes     the memory that was free when it was last counted (Keeper)
    free_wanted    whether a client has read that since then (Status)
    network_down   whether there is to be a network and is none (Keeper)
    address        the IP address in two words, the high one first; zeros without one (Keeper)
    """

    def __init__(self):
        self.problems = []
        self.counters = []
        self.broadcast = False
        self.written = False
        self.was_heard = False
        self.records = None
        self.denied = 0
        self.fronts = []
        self.link = None
        self.changes = 0
        self.changed_by = None
        self.carried_out = 0
        self.unsaved = False
        self.new_settings = self.ordered_settings = None
        self.save_problem = ""
        self.restarting = False
        self.fail_safe = False
        self.silence_ms = 0
        self.uptime_s = 0
        self.free_bytes = 0
        self.free_wanted = False
        self.network_down = False
        self.address = (0, 0)

    def changed(self, by):
        """Note that somebody has changed settings: see changed_by."""
        self.changes = self.changes + 1 & 0xFFFF
        self.changed_by = by

    def requests(self):
        """Return how many requests for this device were received, modulo 65536."""
        count = 0
        for counters in self.counters:
            count += counters.server_message_count
        return count & 0xFFFF

    def refused(self):
        """Return how many peers were refused for their address, modulo 65536."""
        count = 0
        for front in self.fronts:
            count += front.refused
        return count & 0xFFFF

    def turned_away(self):
        """Return how many peers there was no room for, modulo 65536."""
        count = 0
        for front in self.fronts:
            count += front.turned_away
        return count & 0xFFFF

    def bits(self):
        """Return input register 110."""
        return (
            (_FAIL_SAFE if self.fail_safe else 0)
            | (_NETWORK_DOWN if self.network_down else 0)
            | (_PROBLEMS if self.problems else 0)
            | (_UNSAVED if self.unsaved else 0)
        )
