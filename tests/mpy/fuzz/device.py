"""The server of umb and the model of the same devices, set up alike, and a look at both stores."""

from fuzz.frames import shown
from fuzz.model import Device, Model, RegisterArea, need, word
from fuzz.requests import BITS, FORBIDDEN, OPTIONAL, REGISTERS, Writer
from fuzz.rng import Difference

_OBJECTS = {0: b"Acme", 1: b"M1", 2: b"1.0", 5: b"Model", 0x80: b"x" * 200, 0x81: b"y" * 244}
FILES = {1: 10, 4: 200, 65535: 9000}  # {number: records}
QUEUES = {0: [], 5: list(range(31)), 6: [1] * 32, 65535: [0xFFFF]}
_REVERSED = (65, 110)  # user-defined function codes
AREAS = ("coils", "discrete_inputs", "input_registers", "holding_registers")
SERVER_ID = (b"\x11\x22", b"more")


def allowed(_address, value):
    """Be a validate hook: there is one value that it refuses."""
    return value != FORBIDDEN


def reverse(adu, n, _link):
    """Be a user-defined function: return the data backwards; some beginnings are refused."""
    if n > 1 and 0xF0 <= adu[8] <= 0xF7:
        return -(adu[8] - 0xEF)
    i = 8
    j = 6 + n
    while i < j:
        byte = adu[i]
        adu[i] = adu[j]
        adu[j] = byte
        i += 1
        j -= 1
    return n


def reversed_(pdu):
    """The same for the model."""
    need(len(pdu) < 2 or not 0xF0 <= pdu[1] <= 0xF7, len(pdu) > 1 and pdu[1] - 0xEF)
    return pdu[:1] + bytes(reversed(pdu[1:]))


def draw(rng):
    """A set-up: a dict of plain values."""
    ids = rng.choice(((17,), (1,), (247,), (1, 2), (17, 16, 19)))
    return {
        "ids": ids,
        "shared": rng.one_in(2),  # whether all ids have one store
        "bits": rng.below(len(BITS)) if not rng.one_in(3) else 0,
        "registers": rng.below(len(REGISTERS)) if not rng.one_in(3) else 0,
        "forbidden": rng.one_in(3),
        "functions": not rng.one_in(5),
        "networks": rng.one_in(2),
        "single": not rng.one_in(4),  # an area of one block is given as that, not as a tuple
        "locked": not rng.one_in(4),  # the heap, while umb works
        "fill": rng.below(1 << 20),
    }


def _blocks(kind, layout, forbidden=False):
    """The blocks of an area."""
    hook = {"validate": allowed} if forbidden else {}
    return [kind(start, quantity, **hook) for start, quantity in layout]


def _copy(area, blocks):
    """Give blocks the values of an area of the model."""
    i = 0
    for block in blocks:
        for address in range(block.start, block.start + len(block)):
            if hasattr(area, "value"):
                block[address] = area.value >> i & 1
            else:
                block[address] = word(area.data, 2 * i)
            i += 1


def model_of(setup):
    """The model of the devices that draw() has drawn."""
    bits, registers = BITS[setup["bits"]], REGISTERS[setup["registers"]]
    forbidden = FORBIDDEN if setup["forbidden"] else None
    devices = {}
    device = None
    seed = setup["fill"]
    for slave_id in setup["ids"]:
        if device is None or not setup["shared"]:
            device = Device(bits, registers, forbidden)
            seed = _fill(device, seed)
        devices[slave_id] = device
    named = {}
    if setup["functions"]:
        files = {number: RegisterArea(((0, FILES[number]),)) for number in FILES}
        named = {"files": files, "queues": QUEUES, "objects": _OBJECTS, "functions": OPTIONAL}
        named["user"] = dict.fromkeys(_REVERSED, reversed_)
    model = Model(devices, **named)
    model.first_id = setup["ids"][0]
    model.networks = setup["networks"]
    model.server_id = SERVER_ID
    model.exception_status, model.register = 0x5A, 0x1234
    return model


def _fill(device, seed):
    """Give every address a value. Returns the seed for the next device."""
    for name in AREAS:
        area = getattr(device, name)
        for i in range(area.size):
            seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
            value = seed >> 12
            if hasattr(area, "value"):
                area.value |= (value & 1) << i
            else:
                area.data[2 * i] = value >> 8 & 0xFF
                area.data[2 * i + 1] = value & 0xFF
    return seed


class Twins:
    """`server` of umb and `model`, set up as a dict of draw() says."""

    def __init__(self, setup):
        from umb.server import Server

        self.setup = setup
        self.errors = []  # what hooks or functions raised
        self.model = model_of(setup)
        self.files = {}
        self.stores = []
        self.blocks = []  # of each store: its areas' blocks
        for device in self._devices(self.model):
            self._add_store(device)
        ids = setup["ids"]
        parts = self._parts() if setup["functions"] else ()
        self.server = Server(self.stores[0], ids[:1], functions=parts, on_error=self._failed)
        for i in range(1, len(ids)):
            self.server.add(ids[i], self.stores[0 if setup["shared"] else i])
        for code in _REVERSED if setup["functions"] else ():
            self.server.function(code, reverse)

    def _failed(self, error, link):
        self.errors.append(error)

    def _add_store(self, device):
        """A Store that holds what this device of the model does."""
        from umb.store import Bits, Registers, Store

        setup = self.setup
        blocks = {}
        areas = {}
        for name in AREAS:
            area = getattr(device, name)
            kind = Bits if hasattr(area, "value") else Registers
            forbidden = setup["forbidden"] and name == "holding_registers"
            blocks[name] = some = _blocks(kind, area.layout, forbidden)
            areas[name] = some[0] if setup["single"] and len(some) == 1 else tuple(some)
            _copy(area, some)
        self.blocks.append(blocks)
        self.stores.append(Store(**areas))

    def _parts(self):
        """The functions of umb."""
        from umb.functions.diagnostics import Diagnostics
        from umb.functions.files import Files, Queues
        from umb.functions.identity import Identity, ServerId
        from umb.store import Registers

        networks = self.setup["networks"]
        self.files = {number: Registers(0, FILES[number]) for number in FILES}
        self.diagnostics = Diagnostics(networks=networks)
        self.diagnostics.exception_status = 0x5A
        self.diagnostics.diagnostic_register = 0x1234
        return (
            self.diagnostics,
            Files(self.files),
            Queues(QUEUES),
            Identity(_OBJECTS),
            ServerId(*SERVER_ID, networks=networks),
        )

    def writer(self, rng):
        """A Writer of requests for these devices."""
        setup = self.setup
        return Writer(
            rng,
            BITS[setup["bits"]],
            REGISTERS[setup["registers"]],
            tuple(FILES),
            tuple(QUEUES) + (7,),
        )

    def _devices(self, model):
        """The devices of a model, one for each store."""
        if self.setup["shared"]:
            return [model.devices[self.setup["ids"][0]]]
        return [model.devices[slave_id] for slave_id in self.setup["ids"]]

    def compare(self, model=None):
        """Check that the stores hold what the model's devices do."""
        model = model or self.model
        wrong = self.wrong(model)
        if wrong:
            raise Difference(*wrong)
        if self.errors:
            raise Difference("no exception in a hook", repr(self.errors))

    def wrong(self, model):
        """What the stores do not have in common with this model: (expected, got), or None."""
        devices = self._devices(model)
        for i in range(len(devices)):
            wrong = _differ(self.blocks[i], devices[i])
            if wrong:
                return "store {}, {}".format(i, wrong[0]), wrong[1]
        for number in model.files:
            data = self.files[number].data
            if data != model.files[number].data:
                return "file {} as the model has it".format(number), "other records"
        return None


def _differ(blocks, device):
    """The first difference between the blocks of a Store and a device of the model."""
    for name in AREAS:
        area = getattr(device, name)
        bits = hasattr(area, "value")
        at = 0
        for block in blocks[name]:
            if bits:
                got = int.from_bytes(block.data, "little")
                wanted = area.value >> at & (1 << len(block)) - 1
                at += len(block)
            else:
                got = block.data
                n = len(got)
                wanted = area.data[at : at + n]
                at += n
            if got != wanted:
                return _first(name, block, wanted, got, bits)
    return None


def _first(name, block, wanted, got, bits):
    """The first address at which a block is not what it should be."""
    for i in range(len(block)):
        if bits:
            a, b = wanted >> i & 1, got >> i & 1
        else:
            a, b = shown(wanted[2 * i : 2 * i + 2]), shown(got[2 * i : 2 * i + 2])
        if a != b:
            return "{} {}: {}".format(name, block.start + i, a), str(b)
    return name, "something behind its end"
