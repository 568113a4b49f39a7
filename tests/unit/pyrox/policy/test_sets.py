"""Detection over many policies."""

from __future__ import annotations

from pyrox.pb.storage import policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.pb.storage.process_indicator_pb2 import ProcessIndicator
from pyrox.policy import defaults
from pyrox.policy.sets import PolicySet, enforced_at_deploy
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    FileAccessSubject,
    ImageSubject,
    KubeEventSubject,
    NetworkFlowSubject,
    NodeEventSubject,
    ProcessSubject,
)
from tests.unit.pyrox.policy import builders as b


def _named(name: str, *groups: b.Group, stage: int = 0, source: int = 0) -> Policy:
    return b.policy(list(groups), stage=stage, source=source, name=name)


def _process(name: str, arguments: str) -> ProcessIndicator:
    made = b.process()
    made.signal.name, made.signal.args = name, arguments
    return made


def _names(policies: PolicySet, subject: DeploymentSubject) -> list[str]:
    return [match.compiled.name for match in policies.detect(subject, b.NOW).matches]


def test_detection_returns_matches_in_order_of_ids() -> None:
    policies = PolicySet.of([_named("b", ("Host IPC", ["true"])), _named("a", ("Host PID", ["true"]))])
    assert _names(policies, b.on_deployment()) == ["a", "b"]


def test_policy_that_cannot_be_compiled_does_not_stop_the_others() -> None:
    policies = PolicySet.of([_named("bad", ("CVE", ["("])), _named("good", ("Host IPC", ["true"]))])
    assert [problem.policy_name for problem in policies.problems] == ["bad"]
    assert _names(policies, b.on_deployment()) == ["good"]


def test_only_what_changed_is_compiled_again() -> None:
    same, changed = _named("same", ("Host IPC", ["true"])), _named("changed", ("Host PID", ["true"]))
    before = PolicySet.of([same, changed, _named("gone", ("Host PID", ["true"]))])
    changed.policy_sections[0].policy_groups[0].field_name = "Host IPC"
    after = PolicySet.of([same, changed, _named("new", ("Host IPC", ["true"]))], before=before)
    assert [one.name for one in after.policies] == ["changed", "new", "same"]
    assert after.get("id-same") is before.get("id-same")
    assert after.get("id-changed") is not before.get("id-changed")
    assert _names(after, b.on_deployment()) == ["changed", "new", "same"]


def test_policy_that_became_invalid_is_not_taken_over() -> None:
    policy = _named("one", ("Host IPC", ["true"]))
    before = PolicySet.of([policy])
    policy.policy_sections[0].policy_groups[0].field_name = "No Such Criterion"
    after = PolicySet.of([policy], before=before)
    assert (after.policies, len(after.problems)) == ((), 1)


def test_policy_that_fails_on_a_subject_is_reported_and_the_others_go_on() -> None:
    failing = _named("failing", ("Image User", [".*"]), ("Exposed Port", ["22"]))
    policies = PolicySet.of([failing, _named("good", ("Host IPC", ["true"]))])
    detection = policies.detect(b.on_deployment(), b.NOW)
    assert [match.compiled.name for match in detection.matches] == ["good"]
    (problem,) = detection.problems
    assert (problem.policy_id, problem.message) == (
        "id-failing",
        "violation printer error: missing field Image User",
    )
    failing.scope.add(namespace="elsewhere")
    assert PolicySet.of([failing]).detect(b.on_deployment(), b.NOW).problems == ()


def test_disabled_and_excluded_policies_stay_silent() -> None:
    off = _named("off", ("Host IPC", ["true"]))
    off.disabled = True
    excluded = _named("excluded", ("Host IPC", ["true"]))
    excluded.exclusions.add().deployment.name = "web"
    policies = PolicySet.of([off, excluded])
    assert _names(policies, b.on_deployment()) == []
    assert len(policies.policies) == 2


def test_each_kind_of_subject_gets_the_policies_of_its_stage_and_source() -> None:
    runtime = policy_pb2.RUNTIME
    policies = PolicySet.of(
        [
            _named("build", ("CVE", ["x"]), stage=policy_pb2.BUILD),
            _named("deploy", ("CVE", ["x"])),
            _named("process", ("Process Name", ["x"]), stage=runtime, source=1),
            _named("file", ("File Path", ["/x"]), stage=runtime, source=1),
            _named("flow", ("Unexpected Network Flow Detected", ["true"]), stage=runtime, source=1),
            _named("kube", ("Kubernetes Resource", ["PODS_EXEC"]), stage=runtime, source=1),
            _named("audit", ("Kubernetes Resource", ["SECRETS"]), stage=runtime, source=2),
            _named("node", ("File Path", ["/x"]), stage=runtime, source=3),
        ]
    )
    kinds = {
        ImageSubject: "build",
        DeploymentSubject: "deploy",
        ProcessSubject: "process",
        FileAccessSubject: "file",
        NetworkFlowSubject: "flow",
        KubeEventSubject: "kube",
        AuditEventSubject: "audit",
        NodeEventSubject: "node",
    }
    for kind, name in kinds.items():
        assert [one.name for one in policies.for_subject(kind)] == [name]


def test_changed_set_leaves_the_old_one_alone() -> None:
    first = PolicySet.of([_named("a", ("Host IPC", ["true"]))])
    second = first.with_policy(_named("a", ("Host IPC", ["false"]))).with_policy(
        _named("b", ("Host PID", ["true"]))
    )
    assert _names(first, b.on_deployment()) == ["a"]
    assert _names(second, b.on_deployment()) == ["b"]
    assert _names(second.without("id-b"), b.on_deployment()) == []
    assert second.get("id-b") is not None
    assert second.get("id-none") is None


def test_admission_splits_enforced_policies_by_need_of_images() -> None:
    made = [
        _named("spec", ("Host IPC", ["true"])),
        _named("image", ("CVE", ["x"])),
        _named("unscanned", ("Unscanned Image", ["true"])),
        _named("unenforced", ("Host IPC", ["true"])),
        _named("run time", ("Process Name", ["x"]), stage=policy_pb2.RUNTIME, source=1),
    ]
    for policy in made:
        if policy.name != "unenforced":
            policy.enforcement_actions.append(policy_pb2.SCALE_TO_ZERO_ENFORCEMENT)
    policies = PolicySet.of(made)
    fast, slow = enforced_at_deploy(policies, inline_scan=True)
    assert [one.name for one in fast.policies] == ["spec"]
    assert [one.name for one in slow.policies] == ["image", "unscanned"]
    _fast, slow = enforced_at_deploy(policies, inline_scan=False)
    assert [one.name for one in slow.policies] == ["image"]


def test_default_policies_compile_and_split_as_the_reference_counts_them() -> None:
    policies = PolicySet.of(defaults.load())
    assert policies.problems == ()
    assert len(policies.for_subject(DeploymentSubject)) == 33
    assert len(policies.for_subject(ImageSubject)) == 13


def test_processes_get_the_verdicts_that_each_policy_gives_alone() -> None:
    policies = PolicySet.of(
        [
            *defaults.load(),
            _named("not sh", ("Process Name", ["sh"], "!"), stage=policy_pb2.RUNTIME, source=1),
            _named("both", ("Process Name", ["ba.*", ".*sh"], "&"), stage=policy_pb2.RUNTIME, source=1),
            _named("arguments", ("Process Arguments", ["-x"]), stage=policy_pb2.RUNTIME, source=1),
            b.policy(
                [("Host IPC", ["true"])],
                [("Process Name", ["nc"])],
                name="either",
                stage=policy_pb2.RUNTIME,
                source=1,
            ),
        ]
    )
    subjects = [
        ProcessSubject(b.on_deployment(), _process(name, arguments))
        for name in ("sh", "bash", "nc", "apt-get", "java", "", "x" * 100)
        for arguments in ("-x", "")
    ]
    for subject in subjects * 2:
        found = {one.compiled.name for one in policies.detect(subject, b.NOW).matches}
        alone = {
            one.name
            for one in policies.for_subject(ProcessSubject)
            if one.evaluate(subject, b.NOW).matched and one.applies_to(subject, b.NOW)
        }
        assert found == alone


def test_process_of_an_unknown_container_is_a_problem_only_where_its_name_fits() -> None:
    policies = PolicySet.of(
        [
            _named(name, ("Process Name", [name]), stage=policy_pb2.RUNTIME, source=1)
            for name in ("nmap", "curl")
        ]
    )
    process = _process("curl", "")
    process.container_name = "gone"
    detection = policies.detect(ProcessSubject(b.on_deployment(), process), b.NOW)
    assert [one.policy_name for one in detection.problems] == ["curl"]
    assert detection.matches == ()
