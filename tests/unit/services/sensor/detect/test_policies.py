"""The policies that Central sent: what is compiled, and who is told."""

from __future__ import annotations

import pytest

from pyrox.pb.internalapi.central.sensor_iservice_pb2 import MsgToSensor
from pyrox.pb.storage.policy_pb2 import EventSource, LifecycleStage, Policy
from services.sensor.detect.policies import Policies


def policy(name: str, field: str = "Image Tag") -> Policy:
    made = Policy(id=name, name=name, policy_version="1.1", lifecycle_stages=[LifecycleStage.DEPLOY])
    made.policy_sections.add().policy_groups.add(field_name=field).values.add(value="1.*")
    return made


def synced(*policies: Policy) -> MsgToSensor:
    message = MsgToSensor()
    message.policy_sync.policies.extend(policies)
    return message


def names(policies: Policies) -> list[str]:
    return [one.name for one in policies.current.policies]


def test_the_full_list_replaces_the_one_before_and_listeners_are_told() -> None:
    policies, told = Policies(), list[list[str]]()
    policies.listen(lambda: told.append(names(policies)))
    policies.on_policy_sync(synced(policy("a"), policy("b")))
    policies.on_policy_sync(synced(policy("b"), policy("c")))
    assert told == [["a", "b"], ["b", "c"]]
    assert [one.name for one in policies.received] == ["b", "c"]


def test_a_policy_that_did_not_change_is_not_compiled_again() -> None:
    policies = Policies()
    policies.replace((policy("same"), policy("changed"), policy("gone")))
    before = policies.current
    policies.replace((policy("same"), policy("changed", field="CVE"), policy("new")))
    assert names(policies) == ["changed", "new", "same"]
    assert policies.current.get("same") is before.get("same")
    assert policies.current.get("changed") is not before.get("changed")
    assert [one.name for one in policies.on_spec.policies] == ["new", "same"]


def test_a_policy_that_cannot_be_compiled_is_logged_and_the_others_are_used(
    capsys: pytest.CaptureFixture[str],
) -> None:
    policies = Policies()
    policies.replace((policy("odd", field="No Such Field"), policy("good")))
    assert names(policies) == ["good"]
    assert "odd" in "".join(capsys.readouterr())


def test_what_a_list_changed_are_the_policies_as_they_were_and_as_they_are() -> None:
    policies, off = Policies(), policy("off")
    off.disabled = True
    policies.replace((policy("same"), policy("other"), policy("gone"), off))
    was_other, was_gone = policies.current.get("other"), policies.current.get("gone")
    off_again = policy("off", field="CVE")
    off_again.disabled = True
    policies.replace((policy("same"), policy("other", field="CVE"), policy("new"), off_again))
    assert [id(one) for one in policies.changed] == [
        id(one) for one in (was_gone, was_other, policies.current.get("new"), policies.current.get("other"))
    ]
    policies.replace(policies.received)
    assert policies.changed == ()


def test_policy_on_events_changes_no_verdict_on_deployments() -> None:
    policies = Policies()
    policies.replace(())
    runtime = policy("runtime", field="Process Name")
    runtime.lifecycle_stages[:] = [LifecycleStage.RUNTIME]
    runtime.event_source = EventSource.DEPLOYMENT_EVENT
    policies.replace((runtime,))
    assert (names(policies), policies.changed) == (["runtime"], ())
