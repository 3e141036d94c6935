"""A Modbus server written for the tests from the specification; nothing here comes from umb.

"AP" is the MODBUS Application Protocol Specification V1.1b3. Where AP leaves a choice the comment
says which one umb documents. Bits are one large integer, registers one bytearray an area.
"""

from fuzz.frames import shown

_MOST = {1: 2000, 2: 2000, 3: 125, 4: 125, 15: 1968, 16: 123, 23: 125}
_LOG = 64  # events, AP 6.10
_BROADCAST = (5, 6, 15, 16, 22)  # writes that read nothing, SL 2.1
SERIAL_ONLY = (7, 8, 11, 12, 17)  # AP 6.7 to 6.10, 6.13


class Refused(Exception):
    """The exception code is its argument."""


def need(good, code):
    """Refuse a request with this exception code unless something is true."""
    if not good:
        raise Refused(code)


def word(data, at):
    """The 16-bit value at data[at]."""
    return data[at] << 8 | data[at + 1]


def wide(value):
    """A 16-bit value as it travels."""
    return bytes((value >> 8 & 0xFF, value & 0xFF))


class Area:
    """Addresses that exist, as (start, quantity) in rising order; blocks may touch."""

    def __init__(self, layout):
        self.layout = layout
        self.size = sum([quantity for _, quantity in layout])

    def find(self, address, quantity):
        """Where these addresses are in a row of all that exist. Exception 2 if they are not."""
        place = 0
        found = None
        for start, n in self.layout:
            if found is None:
                if start <= address < start + n:
                    found = place + address - start
                    quantity -= start + n - address
                    address = start + n
            elif quantity > 0:
                need(start == address, 2)
                quantity -= n
                address += n
            place += n
        need(found is not None and quantity <= 0, 2)
        return found


class BitArea(Area):
    """Coils or discrete inputs."""

    def __init__(self, layout):
        super().__init__(layout)
        self.value = 0

    def copy(self):
        """An area that changes no more when this one does."""
        other = BitArea(self.layout)
        other.value = self.value
        return other

    def read(self, address, quantity):
        """The bits as they travel, the first one lowest, the rest of the last byte 0."""
        bits = self.value >> self.find(address, quantity) & (1 << quantity) - 1
        return bits.to_bytes((quantity + 7) // 8, "little")

    def write(self, address, quantity, data):
        """Store bits as they travel."""
        at = self.find(address, quantity)
        mask = (1 << quantity) - 1
        bits = int.from_bytes(data, "little") & mask
        self.value = self.value & ~(mask << at) | bits << at


class RegisterArea(Area):
    """Input or holding registers, or a file. `forbidden` is a value that the device refuses."""

    def __init__(self, layout, forbidden=None):
        super().__init__(layout)
        self.data = bytearray(2 * self.size)
        self.forbidden = forbidden

    def copy(self):
        """An area that changes no more when this one does."""
        other = RegisterArea(self.layout, self.forbidden)
        other.data[:] = self.data
        return other

    def read(self, address, quantity):
        """The registers as they travel."""
        at = self.find(address, quantity)
        return bytes(self.data[2 * at : 2 * (at + quantity)])

    def check(self, data):
        """Refuse values that the device does not take."""
        if self.forbidden is not None:
            for i in range(0, len(data), 2):
                need(word(data, i) != self.forbidden, 3)

    def write(self, address, quantity, data):
        """Store registers as they travel: all or none."""
        at = self.find(address, quantity)
        self.check(data)
        self.data[2 * at : 2 * (at + quantity)] = data


class Device:
    """What a Store holds."""

    def __init__(self, bits, registers, forbidden=None):
        self.coils = BitArea(bits)
        self.discrete_inputs = BitArea(bits)
        self.input_registers = RegisterArea(registers)
        self.holding_registers = RegisterArea(registers, forbidden)

    def copy(self):
        """A device that changes no more when this one does."""
        other = Device((), ())
        other.coils = self.coils.copy()
        other.discrete_inputs = self.discrete_inputs  # no request changes these
        other.input_registers = self.input_registers
        other.holding_registers = self.holding_registers.copy()
        return other


class Link:
    """What a server keeps of a line or a network: AP 6.8 names the counters."""

    def __init__(self, serial, ascii=False):
        self.serial = serial
        self.ascii = ascii
        self.exact = True  # whether the counters of the bus can be known
        self.sure = True  # whether those of this server can
        self.listen_only = False
        self.delimiter = 10
        self.errors = 0  # sub-function 12, communication errors
        self.clear()

    def clear(self):
        """What a restart and sub-function 10 do."""
        self.messages = 0  # 11, messages on the bus
        self.errors = 0
        self.logged = 0  # those of the errors that are in the event log
        self.exceptions = 0  # 13, exceptions sent
        self.addressed = 0  # 14, messages for this device
        self.unanswered = 0  # 15
        self.naks = 0  # 16
        self.busy = 0  # 17
        self.completed = 0  # what function code 11 reports

    def copy(self):
        """A link that changes no more when this one does."""
        other = Link(self.serial, self.ascii)
        for name in _LINK_STATE:
            setattr(other, name, getattr(self, name))
        return other

    def same_mode(self, other):
        """Return whether requests are received as they are on another link."""
        return (self.listen_only, self.delimiter) == (other.listen_only, other.delimiter)


_LINK_STATE = (
    "exact",
    "sure",
    "listen_only",
    "delimiter",
    "messages",
    "errors",
    "logged",
    "exceptions",
    "addressed",
    "unanswered",
    "naks",
    "busy",
    "completed",
)


class Answer:
    """A response PDU. `loose`: the places at which it may be anything."""

    def __init__(self, pdu, loose=()):
        self.pdu = pdu
        self.loose = loose

    def fits(self, got):
        """Return whether this response PDU is as it should be."""
        pdu = self.pdu
        if got is None or len(got) != len(pdu):
            return False
        for i in self.loose:
            pdu = pdu[:i] + got[i : i + 1] + pdu[i + 1 :]
        return got == pdu

    def __repr__(self):
        return shown(self.pdu) + (", but for bytes {}".format(self.loose) if self.loose else "")


class LogAnswer(Answer):
    """The response of function code 12: AP 6.10.

    events   [event, whether it may be missing] each, the newest first. Whether a server logs the
             end of a request that it does not answer is open: AP's text says so, its examples do
             not show it. None: they cannot be known
    """

    def __init__(self, head, loose, events):
        super().__init__(head, loose)
        self.events = events

    def fits(self, got):
        """Return whether this response PDU is as it should be."""
        if got is None or not 8 <= len(got) <= 72 or got[1] != len(got) - 2:
            return False
        if not super().fits(got[:1] + self.pdu[1:2] + got[2:8]):
            return False
        return self.events is None or self._logged(got[8:])

    def _logged(self, got):
        at = 0
        for event, optional in self.events:
            if at == len(got):
                if len(got) < _LOG and not optional:
                    return False
            elif got[at] == event:
                at += 1
            elif not optional:
                return False
        return at == len(got)

    def __repr__(self):
        return "{!r} and events {}".format(self.pdu, self.events)


class Model:
    """Devices by slave id, and what they offer besides.

    functions   the codes that are offered besides 1 to 6, 15, 16, 22 and 23
    files       {number: RegisterArea}; queues {address: values}; objects {id: bytes}
    server_id   (id, additional data) of function code 17
    user        {code: function(pdu) -> pdu} of user-defined function codes; raises Refused
    """

    def __init__(self, devices, functions=(), files=None, queues=None, objects=None, user=None):
        self.devices = devices
        self.functions = functions
        self.files = files or {}
        self.queues = queues or {}
        self.objects = objects or {}
        self.user = user or {}
        self.server_id = (b"", b"")
        self.exception_status = 0
        self.register = 0  # the diagnostic register
        self.networks = False  # whether function codes 7, 8, 11, 12 and 17 are answered there
        self.log = []  # [event, whether it may be missing], the newest first
        self.first_id = None if not devices else min(devices)

    def copy(self):
        """A model that changes no more when this one does; devices that are shared stay so."""
        copies = []
        devices = {}
        for slave_id in self.devices:
            device = self.devices[slave_id]
            for old, new in copies:
                if old is device:
                    devices[slave_id] = new
            if slave_id not in devices:
                devices[slave_id] = device.copy()
                copies.append((device, devices[slave_id]))
        other = Model(devices, self.functions, None, self.queues, self.objects, self.user)
        other.files = {number: self.files[number].copy() for number in self.files}
        other.server_id = self.server_id
        other.exception_status, other.register = self.exception_status, self.register
        other.networks, other.first_id = self.networks, self.first_id
        other.log = list(self.log)
        return other

    def same_data(self, other):
        """Return whether a copy of this model holds what this one does, but for its log."""
        if self.register != other.register:
            return False
        for slave_id in self.devices:
            one, its = self.devices[slave_id], other.devices[slave_id]
            if one.coils.value != its.coils.value:
                return False
            if one.holding_registers.data != its.holding_registers.data:
                return False
        return all(self.files[number].data == other.files[number].data for number in self.files)

    def distinct(self):
        """Every device once, by rising slave id."""
        found = []
        for slave_id in sorted(self.devices):
            if not any(device is self.devices[slave_id] for device in found):
                found.append(self.devices[slave_id])
        return found

    def request(self, slave_id, pdu, link):
        """The Answer to a request, or None for silence. What it writes is written."""
        link.messages += 1
        device = self.devices.get(slave_id)
        if device is None:
            if link.serial:
                if slave_id == 0:
                    self._broadcast(pdu, link)
                return None  # SL 2.1: for other slaves, or for all, nobody answers
            if slave_id not in (0, 255) or self.first_id is None:
                return Answer(bytes((pdu[0] | 0x80, 11)))
            device = self.devices[self.first_id]  # TCP Guide 4.4.2.1
        elif link.serial and pdu[0] >= 0x80:
            return None  # no request: the echo of an exception
        self._received(link, 0)
        if link.listen_only and pdu[0] != 8:
            self._sent(link, 0, optional=True)
            return None
        return self._answer(device, pdu, link)

    def _received(self, link, event):
        """Log a request that is about to be worked on, and the errors before it."""
        if 8 not in self.functions or not (link.serial or self.networks):
            return
        for _ in range(link.errors - link.logged):
            self._add(0x82)
        link.logged = link.errors
        self._add(0x80 | event | (0x20 if link.listen_only else 0))

    def _sent(self, link, exception_code, optional=False):
        """Log the end of a request."""
        if link.serial or self.networks:
            event = 0x40 | (0, 1, 1, 1, 2, 4, 4, 8)[exception_code if exception_code < 8 else 0]
            self._add(event | (0x20 if link.listen_only else 0), optional)

    def _add(self, event, optional=False):
        self.log.insert(0, (event, optional))
        del self.log[2 * _LOG :]

    def _answer(self, device, pdu, link):
        restarted = [0]
        link.addressed += 1
        listening = link.listen_only
        try:
            answer = self._work(device, pdu, link, restarted)
        except Refused as refused:
            code = refused.args[0]
            if link.listen_only:
                self._sent(link, 0, optional=True)
                return None
            self._sent(link, code)
            link.exceptions += 1
            link.busy += code == 6
            link.naks += code == 7
            return Answer(bytes((pdu[0] | 0x80, code)))
        if not restarted[0]:
            # AP 6.9: every message that was completed, but no look at this counter.
            link.completed += pdu[0] != 11
        if restarted[0] != 1:
            self._sent(link, 0, optional=answer is None or listening)
        return answer

    def _broadcast(self, pdu, link):
        self._received(link, 0x40)
        self._sent(link, 0, optional=True)
        if link.listen_only:
            return
        link.addressed += 1
        link.unanswered += 1
        good = pdu[0] in _BROADCAST
        for device in self.distinct():
            try:
                if pdu[0] in _BROADCAST:
                    self._work(device, pdu, link, [0])
            except Refused:
                good = False
        link.completed += good
        if not good:
            link.sure = False  # AP does not say how this counts

    def _work(self, device, pdu, link, restarted):
        code = pdu[0]
        work = _WORK.get(code)
        if work is not None:
            return Answer(work(device, pdu))
        if code in self.user:
            return Answer(self.user[code](pdu))
        need(code in self.functions, 1)
        if code in SERIAL_ONLY:
            need(link.serial or self.networks, 1)
        if code == 8:
            return self._diagnose(pdu, link, restarted)
        if code == 12:
            need(len(pdu) == 1, 3)
            head = b"\x0c\0\0\0" + wide(link.completed) + wide(link.messages)
            loose = () if link.exact and link.sure else (4, 5, 6, 7)
            return LogAnswer(head, loose, list(self.log) if link.exact else None)
        return self._optional(code, pdu, link)

    def _optional(self, code, pdu, link):
        if code == 7:  # AP 6.7
            need(len(pdu) == 1, 3)
            return Answer(bytes((7, self.exception_status)))
        if code == 11:  # AP 6.9
            need(len(pdu) == 1, 3)
            loose = () if link.sure else (3, 4)
            return Answer(b"\x0b\0\0" + wide(link.completed), loose)
        if code == 17:  # AP 6.13: id, run indicator, additional data
            need(len(pdu) == 1, 3)
            data = self.server_id[0] + b"\xff" + self.server_id[1]
            return Answer(bytes((17, len(data))) + data)
        if code == 20:
            return Answer(self._read_files(pdu))
        if code == 21:
            return Answer(self._write_files(pdu))
        if code == 24:
            return Answer(self._read_queue(pdu))
        return Answer(self._identify(pdu))

    def _diagnose(self, pdu, link, restarted):
        """AP 6.8."""
        data = word(pdu, 3) if len(pdu) == 5 else None
        sub = word(pdu, 1) if len(pdu) > 2 else None
        if sub == 1 and data in (0, 0xFF00):
            silent = link.listen_only
            self._sent(link, 0, optional=silent)
            if data:
                self.log = []
            self._add(0)
            link.listen_only = False
            link.clear()
            link.sure = link.exact = True
            restarted[0] = 1
            return None if silent else Answer(pdu)
        if link.listen_only:
            return None
        need(sub is not None, 3)
        if sub == 0:
            return Answer(pdu)  # data of any length come back
        if sub == 3 and link.ascii:
            need(data is not None and not pdu[4] and pdu[3] != 0x3A, 3)
            link.delimiter = pdu[3]
            return Answer(pdu)
        need(sub in (1, 2, 4, 10, 20) or 11 <= sub <= 18, 1)
        need(data == 0, 3)
        return self._report(pdu, sub, link, restarted)

    def _report(self, pdu, sub, link, restarted):
        if sub == 4:
            link.listen_only = True
            link.sure = False  # whether this counts as completed, only a network could see
            self._add(4)
            return None
        if sub == 10:
            link.clear()
            link.sure = link.exact = True
            restarted[0] = 2
            self.register = 0
            return Answer(pdu)
        if sub == 20:
            return Answer(pdu)
        value = {
            2: self.register,
            11: link.messages,
            12: link.errors,
            13: link.exceptions,
            14: link.addressed,
            15: link.unanswered,
            16: link.naks,
            17: link.busy,
            18: 0,  # no port of umb tells of overruns
        }[sub]
        unsure = (sub in (11, 12) and not link.exact) or (sub > 12 and not link.sure)
        return Answer(pdu[:3] + wide(value), (3, 4) if unsure else ())

    def _record(self, pdu, at):
        """The file of a sub-request and where in it: AP 6.14."""
        need(pdu[at] == 6, 2)
        file = self.files.get(word(pdu, at + 1))
        record, length = word(pdu, at + 3), word(pdu, at + 5)
        need(file is not None and record <= 0x270F and length > 0, 2)
        file.find(record, length)
        return file, record, length

    def _read_files(self, pdu):
        """AP 6.14: first the form, then whether the response has room, then what exists."""
        need(len(pdu) > 1 and len(pdu) == 2 + pdu[1], 3)
        need(7 <= pdu[1] <= 0xF5 and pdu[1] % 7 == 0, 3)
        places = range(2, len(pdu), 7)
        need(sum([2 + 2 * word(pdu, at + 5) for at in places]) <= 0xF5, 3)
        found = [self._record(pdu, at) for at in places]
        data = b""
        for file, record, length in found:
            data += bytes((1 + 2 * length, 6)) + file.read(record, length)
        return bytes((20, len(data))) + data

    def _write_files(self, pdu):
        """AP 6.15: nothing is written unless all can be."""
        need(len(pdu) > 1 and len(pdu) == 2 + pdu[1] and 9 <= pdu[1] <= 0xFB, 3)
        places = []
        at = 2
        while at < len(pdu):
            need(at + 7 <= len(pdu), 3)
            places.append(at)
            at += 7 + 2 * word(pdu, at + 5)
        need(at == len(pdu), 3)
        for at in places:
            file, record, length = self._record(pdu, at)
            file.check(pdu[at + 7 : at + 7 + 2 * length])
        for at in places:
            file, record, length = self._record(pdu, at)
            file.write(record, length, pdu[at + 7 : at + 7 + 2 * length])
        return pdu

    def _read_queue(self, pdu):
        """AP 6.18."""
        need(len(pdu) == 3, 3)
        values = self.queues.get(word(pdu, 1))
        need(values is not None, 2)
        need(len(values) <= 31, 3)
        data = wide(len(values)) + b"".join([wide(value) for value in values])
        return b"\x18" + wide(len(data)) + data

    def _identify(self, pdu):
        """AP 6.21."""
        need(len(pdu) < 2 or pdu[1] == 14, 1)  # 13 is CANopen's
        need(len(pdu) == 4 and 1 <= pdu[2] <= 4, 3)
        kind, first = pdu[2], pdu[3]
        ids = sorted(self.objects)
        level = 0x80 | (3 if ids[-1] > 6 else 2 if ids[-1] > 2 else 1)
        if kind == 4:
            need(first in self.objects, 2)
            wanted = [first]
        else:
            last = (2, 6, 255)[kind - 1]
            wanted = [i for i in ids if i <= last]
            if first in wanted:  # an unknown one begins at the beginning
                wanted = wanted[wanted.index(first) :]
        data = b""
        more, following, count = 0, 0, 0
        for i in wanted:
            one = bytes((i, len(self.objects[i]))) + self.objects[i]
            if 7 + len(data) + len(one) > 253:
                more, following = 0xFF, i
                break
            data += one
            count += 1
        return bytes((0x2B, 14, kind, level, more, following, count)) + data


def _read(name):
    def work(device, pdu):
        """AP 6.1 to 6.4."""
        need(len(pdu) == 5, 3)
        quantity = word(pdu, 3)
        need(1 <= quantity <= _MOST[pdu[0]], 3)
        data = getattr(device, name).read(word(pdu, 1), quantity)
        return bytes((pdu[0], len(data))) + data

    return work


def _write_coil(device, pdu):
    """AP 6.5."""
    need(len(pdu) == 5 and word(pdu, 3) in (0, 0xFF00), 3)
    device.coils.write(word(pdu, 1), 1, bytes((pdu[3] & 1,)))
    return pdu


def _write_register(device, pdu):
    """AP 6.6."""
    need(len(pdu) == 5, 3)
    device.holding_registers.write(word(pdu, 1), 1, pdu[3:5])
    return pdu


def _write_coils(device, pdu):
    """AP 6.11."""
    need(len(pdu) > 5, 3)
    quantity = word(pdu, 3)
    need(1 <= quantity <= 0x7B0 and pdu[5] == (quantity + 7) // 8 == len(pdu) - 6, 3)
    device.coils.write(word(pdu, 1), quantity, pdu[6:])
    return pdu[:5]


def _write_registers(device, pdu):
    """AP 6.12."""
    need(len(pdu) > 5, 3)
    quantity = word(pdu, 3)
    need(1 <= quantity <= 0x7B and pdu[5] == 2 * quantity == len(pdu) - 6, 3)
    device.holding_registers.write(word(pdu, 1), quantity, pdu[6:])
    return pdu[:5]


def _mask(device, pdu):
    """AP 6.16."""
    need(len(pdu) == 7, 3)
    address, and_mask, or_mask = word(pdu, 1), word(pdu, 3), word(pdu, 5)
    registers = device.holding_registers
    value = word(registers.read(address, 1), 0)
    registers.write(address, 1, wide(value & and_mask | or_mask & (0xFFFF ^ and_mask)))
    return pdu


def _read_write(device, pdu):
    """AP 6.17: the write comes first, both ranges are checked before."""
    need(len(pdu) > 9, 3)
    quantity, address, written = word(pdu, 3), word(pdu, 5), word(pdu, 7)
    need(1 <= quantity <= 0x7D and 1 <= written <= 0x79, 3)
    need(pdu[9] == 2 * written == len(pdu) - 10, 3)
    registers = device.holding_registers
    registers.find(word(pdu, 1), quantity)
    registers.write(address, written, pdu[10:])
    data = registers.read(word(pdu, 1), quantity)
    return bytes((23, len(data))) + data


_WORK = {
    1: _read("coils"),
    2: _read("discrete_inputs"),
    3: _read("holding_registers"),
    4: _read("input_registers"),
    5: _write_coil,
    6: _write_register,
    15: _write_coils,
    16: _write_registers,
    22: _mask,
    23: _read_write,
}
