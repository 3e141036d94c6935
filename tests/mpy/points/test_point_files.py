"""Points.load(): files in pieces, damaged at every byte, and what is said of them."""

import gc
import io
import os
from errno import ENOENT

import vfs
from support.umb import raises

import umb.points.reader
from umb.points import Points

_TEXT = b"""{"manufacturer": "Acme", "model": "M \\"1\\" {x]", "points": [
{"name": "voltage", "address": 0, "input_type": "input", "scale": 0.1, "swap": "word"},
{"name": "a \\\\", "address": 3, "data_type": "uint32", "scan_interval": null},
{"name": "relay\\u00e9", "address": 7, "input_type": "coil", "writable": true}
], "source": "manual, page 3"}
"""
_LIST = b"""[
  {
    "name": "x",
    "address": 1
  }
]"""


class Disk:
    """A file system in memory with one file, /points/meter.json."""

    def __init__(self, data):
        self._blocks = bytearray(512 * 96)
        vfs.VfsFat.mkfs(self)
        vfs.mount(vfs.VfsFat(self), "/points")
        with open("/points/meter.json", "wb") as file:
            file.write(data)

    def readblocks(self, number, buf):
        buf[:] = self._blocks[512 * number : 512 * number + len(buf)]

    def writeblocks(self, number, buf):
        self._blocks[512 * number : 512 * number + len(buf)] = buf

    def ioctl(self, what, _):
        return {4: 96, 5: 512}.get(what)

    def __enter__(self):
        return "/points/meter.json"

    def __exit__(self, *_):
        vfs.umount("/points")


def loaded(data):
    """The points in a file of these bytes, without a file."""
    points = Points()
    reader = umb.points.reader._Reader(io.BytesIO(data))
    reader.read(points.about, points._add)
    points._check_exponents()
    return points


def test_a_file():
    with Disk(_TEXT) as path:
        points = Points.load(path)
    assert list(points) == ["voltage", "a \\", "relay\xe9"]
    assert points.about == {
        "manufacturer": "Acme",
        "model": 'M "1" {x]',
        "source": "manual, page 3",
    }
    assert points["voltage"]["scale"] == 0.1 and points["relay\xe9"]["writable"] is True
    assert points["a \\"]["scan_interval"] is None
    error = raises(OSError, Points.load, "/there/is/none.json")
    assert error.errno == ENOENT and "cannot read /there/is/none.json" in str(error)
    assert list(loaded(b"\xef\xbb\xbf" + _TEXT)) == list(points)  # as some editors write it


def test_a_list_alone():
    for text in (
        _LIST,
        b'[{"name":"x","address":1}]',
        b' \r\n\t[ {"name":"x","address":1}\n ] \n',
    ):
        points = loaded(text)
        assert list(points) == ["x"] and points["x"]["address"] == 1 and points.about == {}
    for text in (b"[]", b"[ ]\n", b'{"points": []}', b'{"points" : [ ] , "model":"x"}'):
        assert len(loaded(text)) == 0


def test_every_piece():
    """Whatever the length of what stands before, pieces end at every byte of the points."""
    for n in range(130):
        points = loaded(b" " * n + _TEXT)
        assert list(points) == ["voltage", "a \\", "relay\xe9"] and points.address(2) == 7


def test_mistakes_are_told_with_file_and_line():
    with Disk(_TEXT.replace(b"uint32", b"uint33")) as path:
        text = str(raises(ValueError, Points.load, path))
    assert text.startswith("/points/meter.json, line 3: point 'a \\\\': data_type must be ")
    with Disk(_TEXT.replace(b'"scale": 0.1', b'"scale_factor": "sf"')) as path:
        text = str(raises(ValueError, Points.load, path))
    assert text.startswith("/points/meter.json: point 'voltage': scale_factor must be ")
    for data, words in (
        (b"", "{ is needed, not the end of the file"),
        (b"5", "is needed, not '5'"),
        (b"[5]", "point 1 must be an object"),
        (b"[{}", "point 1: name must be text"),
        (b'[{"name": "x", "address": 1}', ", or ] is needed, not the end of the file"),
        (b'[{"name": "x", "address": 1},]', "a value is needed, not ']'"),
        (b'[{"name": "x", "address": 1}]]', "nothing may follow the points, but ']' does"),
        (b"{}", "there are no points"),
        (b'{"model": nothing}', "this is not JSON"),
        (b'{"model": "x"}', "there are no points"),
        (b'{"model": 1}', "model must be text, not 1"),
        (b'{"modell": "x"}', "there is no key 'modell'"),
        (b'{"max_span": "60"}', "max_span must be a number, not '60'"),
        (b'{"pause_ms": true}', "pause_ms must be a number, not True"),
        (b'{"ranges": []}', "ranges must be an object, not []"),
        (b'{"points": [], "points": []}', "there is no key 'points'"),
        (b'{"points": 5}', "[ is needed, not '5'"),
        (b'["' + b"x" * 1100 + b'"]', "a value has more than 1024 bytes"),
        (b'[{"name": "' + b"{" * 1100 + b'"}]', "a value has more than 1024 bytes"),
        (b"[" * 1200, "a value has more than 1024 bytes"),
    ):
        text = str(raises(ValueError, loaded, data))
        assert words in text, (data, text)


def test_damage_at_every_byte():
    """A damaged file is refused with a ValueError, or gives points as good ones."""
    whole = [dict(loaded(_TEXT)[name]) for name in loaded(_TEXT)]
    refused = 0
    for at in range(len(_TEXT)):
        for new in (
            b"",
            b'"',
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"\\",
            b"\0",
            b"\xff",
            b"9",
            b"-",
        ):
            data = _TEXT[:at] + new + _TEXT[at + 1 :]
            try:
                points = loaded(data)
            except ValueError as error:
                assert str(error)
                refused += 1
                continue
            shown = [points[name] for name in points]
            # One byte is in one point: the others are as they were.
            assert len(shown) == 3 and sum(point in whole for point in shown) >= 2, data
        gc.collect()
    assert refused > 5 * len(_TEXT)


def test_every_beginning_is_refused():
    end = len(_TEXT.rstrip())
    for n in range(end):
        raises(ValueError, loaded, _TEXT[:n])
    loaded(_TEXT[:end])


def test_a_long_file_needs_little_memory():
    """Only the packed points are kept, and one point's text at a time is in memory."""
    lines = [
        '{"name": "p%d", "address": %d, "input_type": "input", "scale": 0.1}' % (i, i)
        for i in range(400)
    ]
    data = "[\n{}\n]".format(",\n".join(lines)).encode()
    loaded(data[:2] + data[-2:])
    lines = None
    gc.collect()
    before = gc.mem_alloc()
    points = loaded(data)
    gc.collect()
    kept = gc.mem_alloc() - before
    assert len(points) == 400
    assert kept < 400 * 30 + 1000, kept


def test_nothing_is_left_open():
    for data in (_TEXT, b"[5]"):
        with Disk(data) as path:
            try:
                Points.load(path)
            except ValueError:
                pass
            os.remove(path)


def test_files_at_another_address():
    """Several files of one device: each with its place, and a prefix for its names."""
    text = b"""{"sunspec_model": 103, "points": [
{"name": "W", "address": 14, "scale_factor": "W_SF"},
{"name": "W_SF", "address": 15}
]}"""
    with Disk(text) as path:
        points = Points.load(path, address=40069)
        points.add_file(path, address=100, prefix="second ")
        assert list(points) == ["W", "W_SF", "second W", "second W_SF"]
        assert [points.address(i) for i in range(4)] == [40083, 40084, 114, 115]
        assert points["second W"]["scale_factor"] == "second W_SF"
        assert points.about == {"sunspec_model": 103}
        error = str(raises(ValueError, points.add_file, path, prefix="second "))
        assert error == path + ", line 2: point 'second W': there are two of this name"
        error = str(raises(ValueError, Points.load, path, address=65521))
        assert error.startswith(path + ", line 3: point 'W_SF': address must be 0 to 65535")
