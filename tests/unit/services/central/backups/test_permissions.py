"""Who may take or replace the whole database."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pyrox.errors import NoCredentials, NotAuthorized, RoxError
from pyrox.rpc.call import ANONYMOUS, Identity
from pyrox.rpc.scope import EVERYTHING, Access, FullGrants, Scope
from services.central.access.resources import RESOURCES
from services.central.backups.permissions import READ_ALL, WRITE_ALL, WholeDatabase
from tests.support.callers import May

ALL = tuple(RESOURCES)
ONE_CLUSTER = Scope(clusters=frozenset({"c1"}))


def somebody(within: Scope, *, read: Iterable[str] = (), write: Iterable[str] = ()) -> Identity:
    return Identity(uid="u", grants=May(within, read=tuple(read), write=tuple(write)))


def allowed(rule: WholeDatabase, identity: Identity) -> bool:
    try:
        rule.check(identity)
    except RoxError:
        return False
    return True


def test_administrator_may_do_both() -> None:
    admin = Identity(uid="admin", grants=FullGrants())
    assert [allowed(READ_ALL, admin), allowed(WRITE_ALL, admin)] == [True, True]


def test_reader_of_everything_may_back_up_and_not_restore() -> None:
    reader = somebody(EVERYTHING, read=ALL)
    assert allowed(READ_ALL, reader)
    with pytest.raises(NotAuthorized, match=Access.READ_WRITE_ACCESS.name):
        WRITE_ALL.check(reader)


@pytest.mark.parametrize("missing", ["Access", "Secret", "WorkflowAdministration"])
def test_one_missing_resource_is_enough_to_be_refused(missing: str) -> None:
    rest = [name for name in ALL if name != missing]
    with pytest.raises(NotAuthorized, match=f'"READ_ACCESS" for "{missing}"'):
        READ_ALL.check(somebody(EVERYTHING, read=rest))


def test_reader_of_everything_in_one_cluster_is_refused() -> None:
    with pytest.raises(NotAuthorized, match="in all clusters"):
        READ_ALL.check(somebody(ONE_CLUSTER, read=ALL))


def test_nobody_is_asked_to_log_in() -> None:
    with pytest.raises(NoCredentials):
        READ_ALL.check(ANONYMOUS)
