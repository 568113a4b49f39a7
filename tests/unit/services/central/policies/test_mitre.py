"""Attack vectors with the catalogue's words."""

from __future__ import annotations

from pyrox.pb.storage.policy_pb2 import Policy
from services.central.policies.mitre import mitre_vectors


def test_vectors_keep_their_order_and_have_names() -> None:
    policy = Policy()
    policy.mitre_attack_vectors.add(tactic="TA0004", techniques=["T1611", "T1548"])
    policy.mitre_attack_vectors.add(tactic="TA0002", techniques=["T1059.004"])
    first, second = mitre_vectors(policy)
    assert (first.tactic.name, second.tactic.name) == ("Privilege Escalation", "Execution")
    assert [one.id for one in first.techniques] == ["T1611", "T1548"]
    assert all(one.name for one in (*first.techniques, *second.techniques))


def test_unknown_ids_are_kept_without_words() -> None:
    policy = Policy()
    policy.mitre_attack_vectors.add(tactic="TA9999", techniques=["T9999"])
    (vector,) = mitre_vectors(policy)
    assert (vector.tactic.id, vector.tactic.name) == ("TA9999", "")
    assert [(one.id, one.name) for one in vector.techniques] == [("T9999", "")]
