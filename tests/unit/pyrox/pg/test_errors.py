"""The meaning of driver errors."""

from __future__ import annotations

import asyncpg
import pytest

from pyrox.errors import AlreadyExists, DeadlinePassed, Internal, Invalid, Referenced, RoxError, Unavailable
from pyrox.pg.errors import FAILED, Missing, Refused, translate, translated

CASES: list[tuple[Exception, type[RoxError]]] = [
    (ConnectionRefusedError(), Unavailable),
    (TimeoutError(), DeadlinePassed),
    (asyncpg.QueryCanceledError("x"), DeadlinePassed),
    (asyncpg.ConnectionDoesNotExistError("x"), Unavailable),
    (asyncpg.DeadlockDetectedError("x"), Unavailable),
    (asyncpg.InvalidCatalogNameError("x"), Missing),
    (asyncpg.UndefinedTableError("secret table"), Internal),
    (asyncpg.SerializationError("secret"), Unavailable),
    (asyncpg.LockNotAvailableError("secret"), Unavailable),
    (asyncpg.TooManyConnectionsError("secret"), Unavailable),
    (asyncpg.AdminShutdownError("secret"), Unavailable),
    (asyncpg.InterfaceError("secret"), Unavailable),
    (asyncpg.UniqueViolationError("secret key"), AlreadyExists),
    (asyncpg.ForeignKeyViolationError("secret key"), Referenced),
    (asyncpg.InvalidRegularExpressionError("secret"), Invalid),
    (asyncpg.CharacterNotInRepertoireError("secret"), Invalid),
    (asyncpg.NotNullViolationError("secret"), Internal),
    (asyncpg.InvalidPasswordError("secret"), Refused),
    (asyncpg.InvalidAuthorizationSpecificationError("secret"), Refused),
    (asyncpg.DiskFullError("secret"), Unavailable),
    (ValueError("secret"), Internal),
]


@pytest.mark.parametrize(("error", "wanted"), CASES, ids=lambda case: type(case).__name__)
def test_driver_error_means(error: Exception, wanted: type[RoxError]) -> None:
    assert type(translate(error)) is wanted
    assert "secret" not in str(translate(error))


def test_hidden_error_keeps_its_cause_for_the_log() -> None:
    cause = asyncpg.UndefinedTableError("secret table")
    with pytest.raises(Internal, match=FAILED) as caught, translated():
        raise cause
    assert caught.value.__cause__ is cause


def test_errors_of_others_pass_unchanged() -> None:
    with pytest.raises(KeyError), translated():
        raise KeyError("ours")
