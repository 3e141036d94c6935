"""Passwords that are kept as salted hashes. CPython runs this, too, for tools/flash.py.

from umb.panel.passwords import hash_password

print(hash_password("correct horse"))  # to be kept in place of the password
"""

import os
from binascii import hexlify, unhexlify
from hashlib import sha256

_ROUNDS = 2000  # of the hash: half a second on a Pico
_SALT = 8  # bytes
_SHORTEST = 8  # bytes of a password
LONGEST = 64


def hash_password(password: str) -> str:
    """Return what is kept of a password: "rounds:salt:hash", in hexadecimal digits.

    Raises ValueError unless it is a text of 8 to 64 bytes.
    """
    if not isinstance(password, str) or not _SHORTEST <= len(password.encode()) <= LONGEST:
        raise ValueError("a password must be a text of 8 to 64 bytes")
    salt = os.urandom(_SALT)
    data = password.encode()
    digest = b""
    for _ in range(_ROUNDS):
        digest = next_digest(digest, salt, data)
    return "%d:%s:%s" % (_ROUNDS, hexlify(salt).decode(), hexlify(digest).decode())


def next_digest(digest, salt, data):
    """Return the digest of one more round."""
    return sha256(digest + salt + data).digest()


def parse(text):
    """Return (rounds, salt, hash) of what hash_password() returned. Raises ValueError."""
    try:
        rounds, salt, digest = text.split(":")
        parsed = int(rounds), unhexlify(salt), unhexlify(digest)
    except (AttributeError, TypeError, ValueError):
        parsed = (0, b"", b"")
    if not 1 <= parsed[0] <= 1_000_000 or not parsed[1] or len(parsed[2]) != 32:
        raise ValueError("password must be what umb.panel.passwords.hash_password() returned")
    return parsed


def is_same(a, b):
    """Return whether two byte strings are equal. The time does not tell where they differ."""
    difference = len(a) ^ len(b)
    for x, y in zip(a, b):
        difference |= x ^ y
    return difference == 0
