"""read(): the points of a JSON file, one after another, without having all of it in memory."""

import json

from micropython import const

from ..check import integer

_PIECE_SIZE = const(64)  # so many bytes are read at once
_LONGEST_VALUE = const(1024)  # of one point, or of another value
_FILE_END = const(-1)  # in place of a byte: the file is over
_SPACE = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NEWLINE = const(10)
_QUOTE = const(34)
_BACKSLASH = const(92)
_TEXTS = ("manufacturer", "model", "source")
_NUMBERS = ("sunspec_model", "max_gap", "max_span", "pause_ms")


def read(path, about, add, address, prefix):
    """Read the points of a file.

    about     a dict that gets what the file says of the whole device
    add       is called with each point, as a dict; its ValueError gets the line
    address   is added to the address of each point
    prefix    is put before each name

    Raises ValueError, which names the file and the line, for what is no such file.
    """
    if not isinstance(path, str):
        raise TypeError("path must be a file's name, not %r" % (path,))
    integer("address", address, -65535, 65535)
    if not isinstance(prefix, str):
        raise TypeError("prefix must be a text, not %r" % (prefix,))
    with _open(path) as file:
        reader = _Reader(file)
        try:
            reader.read(about, lambda point: add(_shifted(point, address, prefix)))
        except ValueError as error:
            raise ValueError("%s, line %d: %s" % (path, reader.line, error))


def _open(path):
    """Return the file, or raise OSError, which names it."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise OSError(error.errno, "cannot read %s: is there such a file?" % path)


def _shifted(point, address, prefix):
    """Return a point with another address and name. What is wrong in it stays wrong."""
    if isinstance(point, dict):
        if address and isinstance(point.get("address"), int):
            point["address"] += address
        for key in ("name", "scale_factor"):
            if prefix and point.get(key) and isinstance(point[key], str):
                point[key] = prefix + point[key]
    return point


class _Reader:
    """Goes through a JSON file byte by byte.

    byte   the one at hand, _FILE_END behind the last one
    line   in which line it is, or in which the value began that was read last
    """

    def __init__(self, file):
        self._file = file
        self._piece = bytearray(_PIECE_SIZE)
        self._at = self._have = 0
        self._newlines = 1
        self.line = 1
        self.byte = _NEWLINE
        self._newlines = 0
        self._next()
        if self.byte == _BYTE_ORDER_MARK[0]:  # some editors begin files with it
            for _ in _BYTE_ORDER_MARK:
                self._next()

    def _next(self):
        """Go to the next byte."""
        if self.byte == _NEWLINE:
            self._newlines += 1
        if self._at == self._have:
            self._at = 0
            self._have = self._file.readinto(self._piece) or 0
        self.byte = _FILE_END
        if self._have:
            self.byte = self._piece[self._at]
            self._at += 1

    def _skip_space(self):
        """Go to the next byte that is no white space. Returns it."""
        while self.byte >= 0 and self.byte in _SPACE:
            self._next()
        self.line = self._newlines
        return self.byte

    def _expect(self, characters):
        """Go past the next byte, which has to be one of these characters. Returns it."""
        byte = self._skip_space()
        if byte < 0 or chr(byte) not in characters:
            found = "the end of the file" if byte < 0 else repr(chr(byte))
            raise ValueError("%s is needed, not %s" % (" or ".join(characters), found))
        self._next()
        return chr(byte)

    def read(self, about, add):
        """Read the whole file, see read()."""
        if self._skip_space() == ord("["):
            self._read_points(add)
        else:
            self._read_head(about, add)
        if self._skip_space() != _FILE_END:
            raise ValueError("nothing may follow the points, but %r does" % chr(self.byte))

    def _read_head(self, about, add):
        """Read an object with `points` and what is said of the whole device."""
        follows = self._expect("{") and ","
        have_points = False
        if self._skip_space() == ord("}"):
            raise ValueError("there are no points")
        while follows == ",":
            key = self._value()
            self._expect(":")
            if key == "points" and not have_points:
                have_points = True
                self._read_points(add)
            else:
                value = self._value()
                _check_head(key, value)
                about[key] = value
            follows = self._expect(",}")
        if not have_points:
            raise ValueError("there are no points")

    def _read_points(self, add):
        """Read a list of points."""
        self._expect("[")
        if self._skip_space() == ord("]"):
            self._next()
            return
        follows = ","
        while follows == ",":
            add(self._value())
            follows = self._expect(",]")

    def _value(self):
        """Read one value of any kind. Returns it."""
        self._skip_space()
        text = bytearray()
        depth = 0
        quoted = False
        while self.byte >= 0:
            byte = self.byte
            if not quoted and not depth and byte in b",:]} \t\r\n":
                break  # behind a number or a word
            if quoted and byte == _BACKSLASH:
                text.append(byte)
                self._next()
            elif byte == _QUOTE:
                quoted = not quoted
            elif not quoted:
                depth += _step(byte)
            if self.byte < 0 or len(text) >= _LONGEST_VALUE:
                break
            text.append(self.byte)
            self._next()
            if not quoted and not depth and byte in b'"]}':
                break
        return self._decoded(text)

    def _decoded(self, text):
        """Return the value that this JSON text stands for."""
        if not text:
            found = "the end of the file" if self.byte < 0 else repr(chr(self.byte))
            raise ValueError("a value is needed, not %s" % found)
        if len(text) >= _LONGEST_VALUE:
            raise ValueError("a value has more than %d bytes" % _LONGEST_VALUE)
        try:
            return json.loads(bytes(text))
        except (ValueError, TypeError):
            raise ValueError("this is not JSON: %r" % bytes(text[:40]))


def _step(byte):
    """Return by how much a byte outside of text leads deeper: 1, 0 or -1."""
    if byte in b"[{":
        return 1
    return -1 if byte in b"]}" else 0


def _check_head(key, value):
    """Raise ValueError if this is nothing that a file says of a whole device."""
    if key in _TEXTS:
        if not isinstance(value, str):
            raise ValueError("%s must be text, not %r" % (key, value))
    elif key in _NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("%s must be a number, not %r" % (key, value))
    elif key == "ranges":
        if not isinstance(value, dict):
            raise ValueError("ranges must be an object, not %r" % (value,))
    else:
        raise ValueError("there is no key %r" % (key,))
