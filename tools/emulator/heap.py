"""Accounts for the heap of an emulated Pico: which module, and what of it, takes how many bytes.

The board tells where its heap is and what the types of its objects are; what an object points to
is as in MicroPython's sources (v1.28: py/obj.h, py/objfun.h, py/bc.h, py/qstr.h).
"""

import bisect
import re
from collections import Counter

# Kinds of what is taken. Objects are functions and classes; constants are those of a module, with
# the tables of what it has by name.
CODE, OBJECTS, CONSTANTS, MADE, NAMES, REST = (
    "code",
    "objects",
    "constants",
    "made",
    "names",
    "rest",
)

_BLOCK = 16  # bytes
_LIMIT_MS = 20_000
_POOLS = (20, 40, 80, 160, 320, 640)  # places of a table of names: each has twice as many
_NAME_BYTES = 6  # of one of its places: an address, a hash and a length
_MEM_INFO = "import gc, micropython; gc.collect(); micropython.mem_info(1)"
# Prints the address of each type that is told apart, of each module and its name, and of `root`.
_TELL = """
import sys
from umb.fast import copy, crc16
class Example:
    pass
for kind in (dict, tuple, list, str, bytes, bytearray, type):
    print(kind.__name__, id(kind))
print("function", id(type(lambda: 0)))
print("generator", id(type(lambda: (yield))))
print("viper", id(type(copy)))
print("asm", id(type(crc16)))
print("bound_method", id(type([].append)))
print("module", id(type(sys)))
print("root", id({root}))
for name, one in sys.modules.items():
    if name.startswith("umb"):
        print(name, id(one), id(name))
"""


def blocks(pico):
    """{address: bytes} of what is in use on a board."""
    text = pico.exec(_MEM_INFO, _LIMIT_MS)
    start = int(re.search(r"from ([0-9a-f]+):", text)[1], 16)
    found = {}
    head = None
    for offset, row in re.findall(r"^([0-9a-f]{8}): (.*?)\s*$", text, re.M):
        for i, kind in enumerate(row):
            address = start + int(offset, 16) + _BLOCK * i
            if kind == "=":
                found[head] += _BLOCK
            elif kind != ".":
                head = address
                found[head] = _BLOCK
    return found


class Heap:
    """What a program takes on a board: `run` is its text, which puts what it made into `root`.

    taken   {(module, kind): bytes}. The module is "" for names, for what the program made, and for
            the rest: what modules of umb and `root` do not lead to
    """

    def __init__(self, pico, run, root):
        before = sum(blocks(pico).values())
        pico.exec(run, _LIMIT_MS)
        self._word = pico.mcu.read_uint32
        self._sizes = blocks(pico)
        told = [
            line.split() for line in pico.exec(_TELL.format(root=root), _LIMIT_MS).splitlines()
        ]
        self._heads = sorted(self._sizes)
        self._types = {int(line[1]): line[0] for line in told if len(line) == 2}
        self._modules = {int(line[1]): line[0] for line in told if len(line) == 3}
        self._module_names = {int(line[2]): line[0] for line in told if len(line) == 3}
        self._seen = set()
        self.taken = Counter()
        self._take_names()
        self._visit(next(int(line[1]) for line in told if line[0] == "root"), "", MADE)
        for address, name in self._modules.items():
            self._take_module(address, name)
        for address, name in self._modules.items():
            for value in self._values(self._word(address + 4)):
                self._visit(value, name, CONSTANTS)
        self.taken["", REST] = sum(self._sizes.values()) - before - self.taken.total()

    def _take(self, address, module, kind):
        """Count the block that this address is in. Returns whether it is one, and new."""
        at = bisect.bisect_right(self._heads, address) - 1
        head = self._heads[at] if at >= 0 else address
        if not head <= address < head + self._sizes.get(head, 0) or head in self._seen:
            return False
        self._seen.add(head)
        self.taken[module, kind] += self._sizes[head]
        return True

    def _words(self, address, count):
        return [self._word(address + 4 * i) for i in range(count)]

    def _values(self, dictionary):
        """The values of a dict, or of an object whose attributes are kept like one."""
        used, places, table = self._words(dictionary + 4, 3)
        pairs = (self._words(table + 8 * i, 2) for i in range(places if used >> 3 else 0))
        return [value for key, value in pairs if key]

    def _take_names(self):
        """Count the tables of names, and the texts that they point to."""
        for head in self._heads:
            _, before, places, used, _, _ = self._words(head, 6)
            fits = self._sizes[head] >= 24 + _NAME_BYTES * places
            if places in _POOLS and used <= places and fits and 300 < before & 0x7FFFFFFF < 5000:
                self._take(head, "", NAMES)
                for text in self._words(head + 24, used):
                    self._take(text, "", NAMES)

    def _take_module(self, address, name):
        """Count a module, the tables of its code, its constants, and what it has, by name."""
        _, members, names, constants = self._words(address, 4)
        for part in (address, members, self._word(members + 12), names):
            self._take(part, name, CONSTANTS)
        if (
            names in self._sizes
        ):  # not so if the module is frozen; its constants are behind the names
            end = names + self._sizes[names]
            for value in self._words(constants, (end - constants) // 4):
                self._visit(value, name, CONSTANTS)

    def _type(self, value):
        """The name of an object's type, "instance" for one of a class, None for no object."""
        if value & 3 or value not in self._sizes:
            return None
        kind = self._word(value)
        if kind in self._sizes and self._types.get(self._word(kind)) == "type":
            return "instance"
        return self._types.get(kind, "other")

    def _visit(self, value, module, kind):
        """Count an object and what it points to, for its module and its kind."""
        found = self._type(value)
        if found in (None, "module"):
            return
        if found in ("function", "generator", "viper"):
            _, context, children, code = self._words(value, 4)
            module = self._modules.get(context, module)
            if self._take(value, module, OBJECTS):
                self._take(code, module, CODE)
                self._take(children, module, OBJECTS)
                for default in self._words(value + 16, self._sizes[value] // 4 - 4):
                    self._visit(default, module, OBJECTS)
        elif found == "asm":
            if self._take(value, module, OBJECTS):
                self._take(self._word(value + 8), module, CODE)
        elif found == "type":
            self._visit_class(value, module)
        elif self._take(value, module, kind):
            self._visit_parts(value, found, module, kind)

    def _visit_class(self, value, module):
        """Count a class for the module that it says it is of, and its methods."""
        words = self._words(value + 20, self._sizes[value] // 4 - 5)
        members = [word for word in words if self._type(word) == "dict"]
        for one in members:
            for name in self._values(one):
                module = self._module_names.get(name, module)
        if self._take(value, module, OBJECTS):
            for word in words:
                self._visit(word, module, OBJECTS)

    def _visit_parts(self, value, found, module, kind):
        """Count what an object that is no function and no class consists of."""
        if found in ("dict", "instance"):
            self._take(self._word(value + 12), module, kind)
            for one in self._values(value):
                self._visit(one, module, kind)
        elif found in ("str", "bytes", "bytearray"):
            self._take(self._word(value + 12), module, kind)
        elif found == "tuple":
            for one in self._words(value + 8, self._word(value + 4)):
                self._visit(one, module, kind)
        else:  # a list, a bound method, a static method, or whatever the port has
            for one in self._words(value, self._sizes[value] // 4):
                self._visit(one, module, kind)
                self._take(one, module, kind)
