from __future__ import annotations

import pytest

from pyrox.errors import NotAuthorized
from pyrox.pb.storage.policy_pb2 import DECLARATIVE, IMPERATIVE, Policy
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.scope import FullGrants
from services.central.policies.managed import CONTROLLER_ROLE, refuse_others, set_source


class Grants(FullGrants):
    def role_names(self) -> frozenset[str]:
        return frozenset({CONTROLLER_ROLE})


ADMIN = Call(method="/x", identity=Identity(uid="admin", grants=FullGrants()))
CONTROLLER = Call(method="/x", identity=Identity(uid="controller", grants=Grants()))


def test_policy_managed_from_outside_is_its_controllers() -> None:
    policy = Policy(name="N", source=DECLARATIVE)
    with pytest.raises(NotAuthorized, match='policy "N" is externally managed'):
        refuse_others(policy, ADMIN)
    refuse_others(policy, CONTROLLER)
    assert policy == Policy(name="N", source=DECLARATIVE)


def test_other_policy_is_everybodys() -> None:
    for call in (ADMIN, CONTROLLER):
        refuse_others(Policy(name="N"), call)
    assert CONTROLLER_ROLE not in FullGrants().role_names()


def test_source_is_set_by_who_writes() -> None:
    policy = Policy(source=DECLARATIVE)
    set_source(policy, CONTROLLER)
    assert policy.source == DECLARATIVE
    set_source(policy, ADMIN)
    assert policy.source == IMPERATIVE
