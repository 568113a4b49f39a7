"""Basic authentication against a bcrypt htpasswd file.

The authenticator calls it. A bcrypt check costs 60 to 230 ms, so it runs in a thread,
and a verified header is remembered by a keyed hash until the file changes. The file is
looked at again when its modification time or size changed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from pathlib import Path

import bcrypt

from pyrox.errors import NoCredentials

# Beyond this many different headers the memory starts anew; a flood of wrong passwords
# is never remembered, so only users of the file take places.
_REMEMBERED_MAX = 1024
_FAILED = "basic: cannot extract identity"
# htpasswd -B writes cost 5, upstream's installer 5 too (pkg/auth/htpasswd); newer tools 10.
_COST = 5


def parse(text: str) -> dict[str, bytes]:
    """User names to bcrypt hashes; other hash kinds and comments are left out."""
    users: dict[str, bytes] = {}
    for line in text.splitlines():
        name, colon, hashed = line.strip().partition(":")
        if colon and not name.startswith("#") and hashed.startswith(("$2a$", "$2b$", "$2y$")):
            users[name] = hashed.encode()
    return users


def split_header(credentials: str) -> tuple[str, str]:
    """User name and password of the part after `Basic `; raises `NoCredentials`."""
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    name, colon, password = decoded.partition(":")
    if not colon:
        raise NoCredentials.of(f"{_FAILED}: failed to parse basic auth token")
    return name, password


class BasicAuth:
    """Checks names and passwords against one htpasswd file."""

    def __init__(self, *, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] = (0, 0)
        self._users: dict[str, bytes] = {}
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, str] = {}
        # Checked for unknown users, so that names cannot be told by time.
        self._nobody = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(rounds=_COST))

    async def user_of(self, credentials: str) -> str:
        """The user that a basic header's credentials belong to; raises `NoCredentials`."""
        self._refresh()
        mark = hmac.new(self._key, credentials.encode(), hashlib.sha256).digest()
        if (known := self._verified.get(mark)) is not None:
            return known
        name, password = split_header(credentials)
        await self.check(name, password)
        if len(self._verified) >= _REMEMBERED_MAX:
            self._verified.clear()
        self._verified[mark] = name
        return name

    async def check(self, name: str, password: str) -> None:
        """Return when the password is the user's; raises `NoCredentials`."""
        self._refresh()
        hashed = self._users.get(name, self._nobody)
        # bcrypt looks at 72 bytes; the library refuses longer input.
        good = await asyncio.to_thread(bcrypt.checkpw, password.encode()[:72], hashed)
        if not good or name not in self._users:
            raise NoCredentials.of(f'{_FAILED}: failed to identify user with username "{name}"')

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            self._seen, self._users = (0, 0), {}
            self._verified.clear()
            return
        mark = (stat.st_mtime_ns, stat.st_size)
        if mark != self._seen:
            self._users = parse(self._path.read_text())
            self._seen = mark
            self._verified.clear()
