"""Paths of kinds and classes of errors."""

from __future__ import annotations

import pytest

from pyrox.errors import AlreadyExists, Invalid, NotAuthorized, NotFound, Unavailable
from pyrox.k8s import kinds
from pyrox.k8s.errors import Conflict, Gone, error_of


def test_kind_paths_of_core_and_groups() -> None:
    assert kinds.POD.path == "/api/v1/pods"
    assert kinds.DEPLOYMENT.in_namespace("a") == "/apis/apps/v1/namespaces/a/deployments"
    assert kinds.ROLE.in_namespace("a", "r") == "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles/r"


CASES = {
    400: Invalid,
    403: NotAuthorized,
    404: NotFound,
    409: Conflict,
    410: Gone,
    429: Unavailable,
    500: Unavailable,
}


@pytest.mark.parametrize("status", CASES)
def test_error_of_status_gives_class_and_words(status: int) -> None:
    error = error_of(status, "/api/v1/pods", b'{"message": "because"}')
    assert type(error) is CASES[status]
    assert error.message == f"Kubernetes API /api/v1/pods: HTTP {status}: because"


def test_error_of_conflict_on_create_is_already_exists() -> None:
    assert isinstance(error_of(409, "/x", b'{"reason": "AlreadyExists", "message": "m"}'), AlreadyExists)


def test_error_of_body_that_is_no_json_is_cut() -> None:
    assert len(error_of(500, "/x", b"<html>" + b"y" * 5000).message) < 1100
