"""Where the database is and how to talk to it.

Each process's `config.py` makes a `Settings`, most often from the keyword text that
upstream's configuration carries (`host=… port=… user=… sslmode=verify-full …`).
"""

from __future__ import annotations

import re
import shlex
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pyrox.errors import Invalid

# Seconds; upstream's default of `statement_timeout` in the central-db source is 20 minutes.
STATEMENT_SECONDS = 1200.0
CONNECT_SECONDS = 10.0
_LARGEST = 2**31 - 1  # of PostgreSQL's integer settings


@dataclass(frozen=True, slots=True)
class Settings:
    """One database, one account."""

    database: str
    user: str
    password: str = ""
    host: str = "127.0.0.1"
    """A name, an address, or the directory of a Unix socket."""
    port: int = 5432
    tls: ssl.SSLContext | Literal["allow", "prefer"] | None = None
    """How the server is verified; libpq's two modes that verify nothing; or None for plaintext."""
    min_size: int = 0
    """Connections kept open while idle; none by default, since each costs the server memory."""
    max_size: int = 20
    statement_seconds: float = STATEMENT_SECONDS
    pgbouncer: bool = False
    """A PgBouncer in transaction mode stands between: no prepared statements, no LISTEN."""
    application: str = "pyrox"

    def driver_options(self) -> dict[str, Any]:
        """The keyword arguments of `asyncpg.connect`."""
        options: dict[str, Any] = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password or None,
            "database": self.database,
            "ssl": self.tls or False,
            "timeout": CONNECT_SECONDS,
        }
        if self.pgbouncer:
            options["statement_cache_size"] = 0
        else:
            options["server_settings"] = {
                "application_name": self.application,
                "statement_timeout": str(int(self.statement_seconds * 1000)),
            }
        return options

    @classmethod
    def from_source(cls, source: str, *, password: str, pgbouncer: bool = False) -> Settings:
        """Read libpq's keyword form, as upstream's `centralDB.source` has it.

        Unknown keywords are ignored, since the text may carry driver options that mean
        nothing to us. Raises `Invalid` naming the keyword that cannot be used.
        """
        try:
            words = dict(part.split("=", 1) for part in shlex.split(source))
        except ValueError as error:
            raise Invalid(f"database source: expected keyword=value pairs: {error}") from error
        return cls(
            database=words.get("dbname", words.get("database", "central_active")),
            user=words.get("user", "postgres"),
            password=password,
            host=words.get("host", "127.0.0.1"),
            port=int(_number(words, "port", 5432)),
            tls=_tls(words),
            min_size=int(_number(words, "pool_min_conns", 0)),
            max_size=int(_number(words, "pool_max_conns", 20)),
            # Milliseconds, which upstream's chart writes as 1.2e+06.
            statement_seconds=_number(words, "statement_timeout", STATEMENT_SECONDS * 1000) / 1000,
            pgbouncer=pgbouncer,
        )

    @classmethod
    def from_conn_string(cls, conn_string: str, *, password_file: str) -> Settings:
        """Read libpq's keyword form as the scanner's file has it, the password from its own file.

        The database is `postgres` when none is named, as upstream's chart relies on.
        Raises `Invalid` for a URL and for a password in both places.
        """
        if "://" in conn_string:
            raise Invalid("database.conn_string: URLs are not supported, write keyword=value pairs")
        written = re.search(r"(?:^|\s)password=('[^']*'|\S*)", conn_string)
        password = written[1].strip("'") if written else ""
        if password_file:
            if written:
                raise Invalid("database: conn_string has a password although password_file is set")
            password = Path(password_file).read_text(encoding="utf-8").strip()
        if "dbname=" not in conn_string:
            conn_string = f"{conn_string} dbname=postgres"
        return cls.from_source(conn_string, password=password)


def _number(words: dict[str, str], key: str, default: float) -> float:
    try:
        value = float(words.get(key, default))
    except ValueError as error:
        raise Invalid(f"database source: {key}={words[key]!r} is not a number") from error
    if not 0 <= value <= _LARGEST:
        raise Invalid(f"database source: {key}={words[key]!r} is not a number from 0 to {_LARGEST}")
    return value


def _tls(words: dict[str, str]) -> ssl.SSLContext | Literal["allow", "prefer"] | None:
    """The TLS context for libpq's `sslmode`; None means plaintext."""
    match words.get("sslmode", "disable"):
        case "disable":
            return None
        case "allow":
            return "allow"
        case "prefer":
            return "prefer"
        case "require" | "verify-ca" | "verify-full" as mode:
            return _verified(words, mode)
        case mode:
            raise Invalid(f"database source: sslmode={mode!r} is unknown")


def _verified(words: dict[str, str], mode: str) -> ssl.SSLContext:
    root = words.get("sslrootcert")
    try:
        # `system` is libpq's word for the CAs that the machine trusts.
        context = ssl.create_default_context(cafile=None if root == "system" else root)
    except OSError as error:
        raise Invalid(f"database source: sslrootcert={root} cannot be read: {error}") from error
    # Python 3.13 refuses certificates that libpq takes: of a user's own CA without key identifiers.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = mode == "verify-full"
    if mode == "require" and root is None:
        context.verify_mode = ssl.CERT_NONE
    if "sslcert" in words:
        try:
            context.load_cert_chain(words["sslcert"], words.get("sslkey"), password=_no_password)
        except (OSError, ValueError) as error:
            raise Invalid(f"database source: sslcert and sslkey cannot be used: {error}") from error
    return context


def _no_password() -> str:
    """Keeps OpenSSL from asking at the terminal."""
    raise ValueError("the key is encrypted")
