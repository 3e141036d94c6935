"""Who has signed in to a Panel: a password that is kept as a salted hash, and sessions.

from umb.panel.passwords import hash_password

print(hash_password("correct horse"))  # to be kept in place of the password
"""

import asyncio
import os
from binascii import hexlify
from time import time

from micropython import const

from .passwords import LONGEST, is_same, next_digest, parse

_ROUNDS_AT_ONCE = const(8)  # rounds after which other tasks have their turn: 2 ms on a Pico
_TOKEN = const(16)
_MOST_SESSIONS = const(4)  # the oldest one makes room
_LONGEST_S = const(43_200)  # a session ends 12 hours after its last request
_FIRST_WAIT_S = const(2)  # after a wrong password; it doubles with each one
_LONGEST_WAIT_S = const(64)


class _Session:
    """One browser that has signed in."""

    def __init__(self):
        self.token = hexlify(os.urandom(_TOKEN))
        self.used_s = time()


class Sessions:
    """The sessions of a Panel.

    password        what hash_password() returned; None: nobody can sign in
    refused_count   how many attempts had a wrong password, modulo 65536

    After a wrong password attempts are refused for 2 s, then 4 s and so on up to 64 s, whoever
    makes them: an address can be changed, and so can a browser. Times are those of time.time(),
    which does not wrap: a clock that is set to another time ends sessions and waits.

    Raises ValueError for a text that is no such hash.
    """

    def __init__(self, password):
        self.password = None if password is None else parse(password)
        self.refused_count = 0
        self._sessions = []
        self._wait_s = 0
        self._refused_s = 0  # when the last wrong password came
        self._lock = asyncio.Lock()  # one attempt at a time

    def wait_s(self) -> int:
        """Return for how many seconds no attempt counts."""
        passed_s = time() - self._refused_s
        return self._wait_s - passed_s if 0 <= passed_s < self._wait_s else 0

    async def sign_in(self, password: str):
        """Return the token of a new session, None if the password is wrong or comes too soon."""
        async with self._lock:
            if self.wait_s():
                self._refuse()
                return None
            if not await self._is_right(password.encode()):
                self._refuse()
                self._wait_s = min(2 * self._wait_s or _FIRST_WAIT_S, _LONGEST_WAIT_S)
                self._refused_s = time()
                return None
            self._wait_s = 0
        if len(self._sessions) == _MOST_SESSIONS:
            self._sessions.pop(0)
        session = _Session()
        self._sessions.append(session)
        return session.token.decode()

    async def _is_right(self, data):
        """Return whether these bytes are the password. A long one is none, and takes no time."""
        if len(data) > LONGEST:
            return False
        rounds, salt, wanted = self.password
        digest = b""
        for i in range(rounds):
            digest = next_digest(digest, salt, data)
            if i % _ROUNDS_AT_ONCE == 0:
                await asyncio.sleep_ms(0)
        return is_same(digest, wanted)

    def _refuse(self):
        self.refused_count = self.refused_count + 1 & 0xFFFF

    def has(self, token) -> bool:
        """Return whether this is the token of a session, which goes on then."""
        if not token:
            return False
        now_s = time()
        for session in self._sessions:
            if is_same(session.token, token.encode()):
                if 0 <= now_s - session.used_s < _LONGEST_S:
                    session.used_s = now_s
                    return True
                self._sessions.remove(session)
                return False
        return False

    def sign_out(self, token) -> None:
        """End the session with this token, if there is one."""
        for session in self._sessions:
            if token and is_same(session.token, token.encode()):
                self._sessions.remove(session)
                return
