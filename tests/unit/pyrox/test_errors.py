"""The closed set of errors: codes, texts, forms."""

from __future__ import annotations

import pickle
from inspect import isclass

import pytest

from pyrox import errors
from pyrox.errors import Internal, Invalid, NotFound, Referenced, RoxError

# gRPC's status numbers, as the tree in the module's docstring shows them.
CODES = {
    "Invalid": 3,
    "DeadlinePassed": 4,
    "NotFound": 5,
    "AlreadyExists": 6,
    "NotAuthorized": 7,
    "Exhausted": 8,
    "Referenced": 9,
    "Unimplemented": 12,
    "Internal": 13,
    "Unavailable": 14,
    "NoCredentials": 16,
}
KINDS = [kind for kind in vars(errors).values() if isclass(kind) and issubclass(kind, RoxError)]


def test_errors_are_the_documented_set_with_grpcs_codes() -> None:
    assert {kind.__name__: kind.CODE for kind in KINDS if kind is not RoxError} == CODES
    assert errors.__doc__ is not None
    for name, code in CODES.items():
        assert any(line.split()[1:3] == [name, str(code)] for line in errors.__doc__.splitlines()), name


@pytest.mark.parametrize("kind", KINDS)
def test_error_without_a_text_says_its_sentinel(kind: type[RoxError]) -> None:
    assert kind().message == kind.SENTINEL
    assert kind("what happened").message == "what happened"


@pytest.mark.parametrize("kind", KINDS)
def test_error_survives_the_border_of_a_worker_process(kind: type[RoxError]) -> None:
    returned = pickle.loads(pickle.dumps(kind.of("in a layer")))  # noqa: S301 - our own bytes
    assert type(returned) is kind
    assert returned.message == f"{kind.SENTINEL}: in a layer"


def test_error_forms_put_the_sentinel_last_or_first() -> None:
    # Both as the reference system's answers show them.
    missing = NotFound.because('failed to retrieve role "NoSuch"')
    assert missing.message == 'failed to retrieve role "NoSuch": not found'
    assert Invalid.of("group ID must be set in {}").message == (
        "invalid arguments: group ID must be set in {}"
    )
    assert Referenced.because("in use").message == "in use: referenced by another object"


def test_error_of_an_unknown_kind_counts_as_internal() -> None:
    assert RoxError.CODE == Internal.CODE
    assert Internal.SENTINEL == RoxError.SENTINEL
