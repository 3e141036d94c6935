"""Buses: the serial lines and networks of an Application, as the page shows them."""

import asyncio

from micropython import const

from umb.records import BusRecord

_LOOK_S = const(1)  # how often it is looked whether frames were wrong on a line that is served
_SLAVES = const(32)  # of a serial line whose answers are noted
_FEW = const(10)  # errors that prove nothing
_NETWORK_BANK = const(1)  # of the counters of all that listens in the network
_LABELS = {
    "bus_message_count": "Frames received",
    "bus_communication_error_count": "Frames with a wrong CRC or length",
    "bus_exception_error_count": "Requests that were refused",
    "server_message_count": "Requests for this device",
    "server_no_response_count": "Requests that want no answer",
    "server_nak_count": "Refused with exception 7",
    "server_busy_count": "Refused as busy",
    "bus_character_overrun_count": "Characters that were lost",
    "request_count": "Requests to slaves",
    "reply_count": "Replies",
    "exception_count": "Replies that refuse",
    "no_reply_count": "Requests without a reply",
    "bad_reply_count": "Replies with a wrong CRC or length",
    "retry_count": "Requests that were repeated",
    "busy_count": "Refused, since too many were waiting",
    "cached_count": "Answered from the cache",
}


class Bus:
    """A line or a network.

    name      what it is called
    record    the BusRecord of it
    line      its settings, None: it is a network
    bank      the bank of its counters, or a pair of an object with them, and their names
    devices   {name: Device} of a Poller, None: slaves are in the record
    """

    def __init__(self, name, record, line=None, bank=None, devices=None):
        self.name = name
        self.record = record
        self.line = line
        self.bank = bank
        self._devices = devices
        self.wrong_count = 0  # frames with a wrong CRC that were noted

    def slaves(self, name=""):
        """Yield a dict for each slave on it."""
        if self._devices is None:
            return self.record.slaves(name)
        return _polled(self._devices)

    def offline(self):
        """Return the names of devices that do not answer, or the ids of slaves that once did."""
        devices = self._devices
        if devices is None:
            return [str(slave_id) for slave_id in self.record.lost()]
        return [name for name in devices if devices[name].state == "offline"]


class Buses:
    """All lines and networks of an Application, whose parts are open."""

    def __init__(self, application):
        self._application = application
        settings = application.settings
        role = application.parts[0]
        self.asked = []  # those on which this board asks slaves
        if settings["role"] == "gateway":
            self._add_routes(role)
        elif settings["role"] == "poller":
            self._add_pollers(role)
        self._served = []  # those on which it is asked
        serial = self._record()
        if settings["role"] == "io" and settings["rtu"]:
            self._served.append(self._line(1, serial, 0))
        line2 = settings.get("line2")
        if line2 and line2["serve"]:
            self._served.append(self._line(2, serial, 2))
        network = self._record()
        self._served.append(Bus("Network", network, None, _NETWORK_BANK))
        application.state.records = (network, serial)

    def _record(self, slaves=0):
        state = self._application.state
        return BusRecord(slaves, lambda: state.uptime_s)

    def _line(self, number, record, bank, devices=None):
        """Return the Bus of serial line 1 or 2."""
        settings = self._application.settings
        line = settings if number == 1 else settings["line2"]
        return Bus("UART %d" % line["uart"], record, line, bank, devices)

    def _target(self, target, record, bank, devices=None):
        """Return the Bus of a serial line or a host, as settings name it."""
        if target["host"]:
            name = "%s:%d" % (target["host"], target["port"])
            return Bus(name, record, None, bank, devices)
        return self._line(target["line"], record, bank, devices)

    def _add_routes(self, role):
        gateway = self._application.handler
        for i in range(len(role.routes)):
            route, slave_ids = role.routes[i]
            record = self._record(min(len(slave_ids), _SLAVES))
            gateway.observe(i, record)
            bank = (gateway.line_counters[i], role.COUNTED)
            self.asked.append(self._target(route, record, bank))

    def _add_pollers(self, role):
        for poller, target in zip(role.pollers, role.targets):
            record = poller.observer = self._record()
            devices = {}
            for name, device in role.devices.items():
                if device in poller.devices:
                    devices[name] = device
            self.asked.append(self._target(target, record, None, devices))

    async def watch(self):
        """Note wrong frames on lines that are served, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            for bus in self._served:
                bank = self._bank(bus)
                if bank is not None:
                    count = bank[0].bus_communication_error_count
                    if count != bus.wrong_count:
                        bus.record.heard_wrong(count - bus.wrong_count & 0xFFFF)
                        bus.wrong_count = count

    def _bank(self, bus):
        if isinstance(bus.bank, int):
            return self._application.counters(bus.bank)
        return bus.bank

    def shown(self):
        """Return a dict for each line and network, with iterators for what takes much memory."""
        return [self._shown(bus) for bus in self.asked + self._served]

    def _shown(self, bus):
        bank = self._bank(bus)
        found = {
            "name": bus.name,
            "health": self._health(bus, bank),
            "errors": bus.record.errors(),
        }
        if bus.line is not None:
            found["baudrate"] = bus.line["baudrate"]
            found["format"] = "8%s%d" % (bus.line["parity"], bus.line["stop"])
        if bank is not None:
            found["counters"] = ((_LABELS[name], getattr(bank[0], name)) for name in bank[1])
        if bus in self.asked:
            found["slaves"] = bus.slaves()
        return found

    def _health(self, bus, bank):
        """Return what is likely wrong with a line or network, "ok" for nothing."""
        offline = bus.offline()
        if offline:
            return "offline: " + ", ".join(offline)
        return "ok" if bank is None else _health_of(bank[0])


def _health_of(counters):
    """Return what counters say is likely wrong, "ok" for nothing."""
    if hasattr(counters, "bus_message_count"):
        good, wrong, silent = counters.bus_message_count, counters.bus_communication_error_count, 0
    else:
        good, wrong = counters.reply_count, counters.bad_reply_count
        silent = counters.no_reply_count
    if wrong > _FEW and wrong > good // 2:
        return "most frames have a wrong CRC: baud rate or parity?"
    if silent > _FEW and silent > good // 2:
        return "most requests have no reply: wiring, baud rate or slave ids?"
    return "ok"


def _polled(devices):
    """Yield a dict for each device that is polled."""
    for name, device in devices.items():
        slave = {
            "id": device.slave_id,
            "name": name,
            "state": device.state,
            "requests": device.request_count,
            "answers": device.answer_count,
            "timeouts": device.timeout_count,
            "wrong": device.wrong_reply_count,
            "exceptions": device.exception_count,
        }
        if device.answer_count:
            slave["last_ms"] = device.last_ms
            slave["worst_ms"] = device.worst_ms
        yield slave
