"""What a driver error means to the caller: the only place that knows SQLSTATE classes.

`pyrox.pg.pool` wraps every statement in `translated`. Texts of the driver go to the log
and never into the error that crosses a wire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg

from pyrox import log
from pyrox.errors import (
    AlreadyExists,
    DeadlinePassed,
    Internal,
    Invalid,
    Referenced,
    RoxError,
    Unavailable,
)

_LOG = log.get(__name__)
# The text that upstream's Central shows for any failed statement.
FAILED = "Database operation failed"
AWAY = "the database is not reachable; try again"


class Missing(Unavailable):
    """There is no such database, or not yet."""


class Refused(Unavailable):
    """The server lets this account not in; waiting does not change that."""


_AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_RETRY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
_INPUT = (asyncpg.InvalidRegularExpressionError, asyncpg.CharacterNotInRepertoireError)


_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], Callable[[], RoxError]], ...] = (
    (
        (TimeoutError, asyncpg.QueryCanceledError),
        lambda: DeadlinePassed("the database did not answer in time; narrow the request"),
    ),
    (_AWAY, lambda: Unavailable(AWAY)),
    # Made by somebody else, who may be late: worth another attempt.
    ((asyncpg.InvalidCatalogNameError,), lambda: Missing("the database does not exist yet")),
    (
        (asyncpg.InvalidAuthorizationSpecificationError,),
        lambda: Refused("the database server refuses this program's account"),
    ),
    # It heals when the volume grows, so what waits for the database is kept.
    ((asyncpg.DiskFullError,), lambda: Unavailable("the database has no space left; enlarge its volume")),
    (_RETRY, lambda: Unavailable("the database is busy with the same objects; try again")),
    (
        (asyncpg.UniqueViolationError,),
        lambda: AlreadyExists("an object with the same name or id already exists"),
    ),
    ((asyncpg.ForeignKeyViolationError,), lambda: Referenced("another object refers to this one")),
    (_INPUT, lambda: Invalid.because("the search holds a regular expression or text that cannot be used")),
)


def translate(error: Exception) -> RoxError:
    """Our error for one of the driver's; its text names no SQL and no host."""
    for kinds, make in _MEANINGS:
        if isinstance(error, kinds):
            return make()
    return Internal(FAILED)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors inside the block into ours, logging what we hide."""
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        ours = translate(error)
        # A full volume is told to whoever asks, and to the log, which its owner reads.
        if isinstance(ours, Internal) or isinstance(error, asyncpg.DiskFullError):
            _LOG.error("statement failed", error=repr(error))
        raise ours from error
