"""Settings turned into rulings."""

from __future__ import annotations

from pyrox.policy.sets import PolicySet
from services.admission.policies import ruling_of
from tests.unit.services.admission.builders import (
    LATEST,
    OLD_OS,
    PRIVILEGED,
    UNSCANNED,
    on_request,
    policy,
    ruling,
    settings,
)


def names(policies: PolicySet) -> set[str]:
    return {one.name for one in policies.policies}


def test_policies_are_parted_by_whether_they_need_images() -> None:
    made = ruling(PRIVILEGED, LATEST, OLD_OS, UNSCANNED)
    assert names(made.on_spec) == {"privileged", "latest"}
    assert names(made.on_images) == {"old-os", "unscanned"}


def test_without_inline_scans_policies_on_missing_scans_are_left_out() -> None:
    assert names(ruling(OLD_OS, UNSCANNED, scan_inline=False).on_images) == {"old-os"}


def test_policies_on_requests_are_parted_by_whether_they_need_the_deployment() -> None:
    mixed = on_request("mixed")
    group = PRIVILEGED.policy_sections[0].policy_groups[0]
    mixed.policy_sections[0].policy_groups.append(group)
    made = ruling(runtime=(on_request("exec"), mixed))
    assert (names(made.on_events), names(made.on_pods)) == ({"exec"}, {"mixed"})


def test_policies_that_did_not_change_are_taken_over_from_the_ruling_before() -> None:
    first = ruling_of(settings(PRIVILEGED, OLD_OS, runtime=(on_request("exec"),)))
    second = ruling_of(settings(PRIVILEGED, LATEST, OLD_OS, runtime=(on_request("exec"),)), first)
    assert names(second.on_spec) == {"privileged", "latest"}
    for old, new in ((first.deploy, second.deploy), (first.runtime, second.runtime)):
        assert all(new.get(one.id) is one for one in old.policies)


def test_policy_that_cannot_be_compiled_is_left_out() -> None:
    assert names(ruling(policy("bad", "CVE", "("), PRIVILEGED).on_spec) == {"privileged"}


def test_switches_say_which_operations_are_judged() -> None:
    made = ruling_of(settings(enabled=True, enforce_on_updates=False))
    assert [made.judges(name) for name in ("CREATE", "UPDATE", "DELETE", "CONNECT")] == [
        True,
        False,
        False,
        False,
    ]
    assert ruling_of(settings(enabled=False)).judges("UPDATE")
