"""Linking, sections, errors, events: the verdict as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pyrox.pb.storage import deployment_pb2, policy_pb2, rbac_pb2
from pyrox.pb.storage.alert_pb2 import Alert
from pyrox.pb.storage.cve_pb2 import DEFERRED
from pyrox.pb.storage.deployment_pb2 import PortConfig
from pyrox.pb.storage.image_pb2 import ImageSignatureVerificationResult
from pyrox.pb.storage.network_flow_pb2 import NetworkEntityInfo
from pyrox.policy.compile import CompileOptions
from pyrox.policy.errors import PolicyInvalid
from pyrox.policy.evaluate import compile_policy, nanoseconds
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    FileAccessSubject,
    FlowEnd,
    ImageSubject,
    KubeEventSubject,
    NetworkFlow,
    NetworkFlowSubject,
    NetworkPoliciesApplied,
    NodeEventSubject,
    ProcessSubject,
    Subject,
)
from pyrox.policy.verdict import Verdict
from tests.unit.pyrox.policy import builders as b

_RUNTIME = policy_pb2.RUNTIME


def _judge(policy: policy_pb2.Policy, subject: Subject) -> Verdict:
    return compile_policy(policy).evaluate(subject, b.NOW)


def _messages(policy: policy_pb2.Policy, subject: Subject) -> list[str]:
    verdict = _judge(policy, subject)
    assert verdict.error == ""
    assert verdict.matched is bool(verdict.violations or verdict.process_violation)
    return [violation.message for violation in verdict.violations]


def _two_containers() -> DeploymentSubject:
    """web is privileged with a socket; side is not and mounts a config map read-only."""
    made = b.deployment()
    side = b.container(made, "side")
    side.security_context.privileged = False
    del side.security_context.add_capabilities[:]
    side.volumes[0].CopyFrom(
        deployment_pb2.Volume(name="cfg", source="cm", destination="/cfg", type="ConfigMap", read_only=True)
    )
    return DeploymentSubject(made, [b.image(), b.image()])


def test_two_criteria_in_one_container_must_hold_in_the_same_one() -> None:
    subject = _two_containers()
    both = b.policy([("Privileged Container", ["true"]), ("Volume Name", ["cfg"])])
    assert _messages(both, subject) == []
    same = b.policy([("Privileged Container", ["true"]), ("Volume Name", ["docker"])])
    assert len(_messages(same, subject)) == 2


def test_two_criteria_on_volumes_must_hold_in_the_same_volume() -> None:
    subject = _two_containers()
    extra = subject.deployment.containers[0].volumes.add(
        name="data", source="pvc", type="PersistentVolumeClaim"
    )
    policy = b.policy([("Volume Name", ["docker"]), ("Volume Source", ["pvc"])])
    assert _messages(policy, subject) == []
    extra.name = "docker"
    assert _messages(policy, subject) == [
        "Writable volume 'docker' has source 'pvc' and type 'PersistentVolumeClaim'"
    ]


def test_container_without_a_linked_volume_still_counts_for_its_own_criteria() -> None:
    subject = _two_containers()
    for container in subject.deployment.containers:
        container.security_context.privileged = True
    # web: two volumes that fit one criterion each; side: one volume that fits both.
    subject.deployment.containers[0].volumes.add(name="cfg", source="other")
    policy = b.policy(
        [("Privileged Container", ["true"]), ("Volume Name", ["cfg"]), ("Volume Source", ["cm|/var.*"])]
    )
    assert _messages(policy, subject) == [
        "Container 'side' is privileged",
        "Container 'web' is privileged",
        "Read-only volume 'cfg' has source 'cm', destination '/cfg', and type 'ConfigMap'",
    ]


def test_volume_and_variable_need_only_share_the_container() -> None:
    policy = b.policy([("Volume Type", ["ConfigMap"]), ("Environment Variable", ["RAW=DB_PASSWORD="])])
    assert _messages(policy, _two_containers()) == [
        "Environment variable 'DB_PASSWORD' is present in container 'side'",
        "Read-only volume 'cfg' has source 'cm', destination '/cfg', and type 'ConfigMap'",
    ]


def test_two_criteria_on_one_label_are_united_not_intersected() -> None:
    image = b.image()
    image.scan.components[0].vulns.append(b.vuln("CVE-2022-2", fixed_by="2.15"))
    united = b.policy([("Fixable", ["true"]), ("Fixed By", [r"7\.65"])])
    assert len(_messages(united, ImageSubject(image))) == 2
    impossible = b.policy([("Fixable", ["true"]), ("Fixed By", ["9.*"])])
    assert _messages(impossible, ImageSubject(image)) == []


def test_writable_host_mount_with_other_type_reports_either() -> None:
    subject = _two_containers()
    subject.deployment.containers[0].volumes.add(name="tmp", type="EmptyDir")
    policy = b.policy([("Volume Type", ["EmptyDir"]), ("Writable Host Mount", ["true"])])
    assert _messages(policy, subject) == [
        (
            "Writable volume 'docker' has source '/var/run/docker.sock', destination '/sock',"
            " and type 'HostPath'"
        ),
        "Writable volume 'tmp' has type 'EmptyDir'",
    ]


def test_required_and_disallowed_on_one_map_show_what_the_last_one_saw() -> None:
    policy = b.policy([("Required Annotation", ["owner=.*"]), ("Disallowed Annotation", ["email="])])
    subject = b.on_deployment()
    subject.deployment.annotations["a"] = "b"
    assert _messages(policy, subject) == [
        "Disallowed annotations found: email=a@b",
        "Required annotation not found (found annotations: email=a@b)",
    ]


def test_disallowed_values_are_shown_one_after_the_other() -> None:
    subject = b.on_deployment()
    subject.deployment.annotations["owner"] = "x"
    policy = b.policy([("Disallowed Annotation", ["owner=", "email="])])
    assert _messages(policy, subject) == ["Disallowed annotations found: owner=x; email=a@b"]


@pytest.mark.parametrize(
    ("values", "mode", "dropped", "fits"),
    [
        (["NET_RAW"], "", ["CHOWN"], True),
        (["NET_RAW"], "", ["NET_RAW"], False),
        (["NET_RAW", "CHOWN"], "", ["CHOWN"], False),
        (["NET_RAW", "CHOWN"], "&", ["CHOWN"], True),
        (["NET_RAW"], "", ["ALL"], False),
        (["ALL"], "", ["CHOWN"], True),
        (["ALL"], "", ["all"], False),
        (["NET_RAW"], "", [], True),
    ],
)
def test_drop_capabilities_asks_what_is_not_dropped(
    values: list[str], mode: str, dropped: list[str], fits: bool
) -> None:
    subject = b.on_deployment()
    subject.deployment.containers[0].security_context.drop_capabilities[:] = dropped
    said = _messages(b.policy([("Drop Capabilities", values, mode)]), subject)
    what = f"drops {' and '.join(dropped)}" if dropped else "drops no capabilities"
    assert said == ([f"Container 'web' does not drop expected capabilities ({what})"] if fits else [])


def test_added_capabilities_joined_by_and_need_all_of_them() -> None:
    subject = b.on_deployment()
    subject.deployment.containers[0].security_context.add_capabilities.append("SYS_ADMIN")
    assert _messages(b.policy([("Add Capabilities", ["SYS_ADMIN", "CHOWN"], "&")]), subject) == []
    assert _messages(b.policy([("Add Capabilities", ["SYS_ADMIN", "NET_ADMIN"], "&")]), subject) == [
        "Container 'web' adds capabilities NET_ADMIN and SYS_ADMIN"
    ]


def test_several_values_of_a_scalar_joined_by_and_must_all_fit() -> None:
    policy = b.policy([("Exposed Node Port", ["> 0", "<= 1024"], "&")])
    subject = b.on_deployment()
    assert _messages(policy, subject) == []
    subject.deployment.ports[0].exposure_infos[0].node_port = 80
    assert _messages(policy, subject) == ["Exposed node port 80 is present"]


def test_several_values_negated_under_and_need_one_that_fails() -> None:
    policy = b.policy([("Namespace", ["prod", "other"], "!&")])
    assert _messages(policy, b.on_deployment()) == ["Namespace has name 'prod'"]
    assert _messages(b.policy([("Namespace", ["prod", "p.*"], "!&")]), b.on_deployment()) == []


@pytest.mark.parametrize("change", ["suppressed", "state"])
def test_snoozed_or_deferred_vulnerability_does_not_count(change: str) -> None:
    image = b.image()
    if change == "suppressed":
        image.scan.components[0].vulns[0].suppressed = True
    else:
        image.scan.components[0].vulns[0].state = DEFERRED
    assert _messages(b.policy([("CVSS", [">= 7"])]), ImageSubject(image)) == []


def test_vulnerability_without_fix_field_is_neither_fixable_nor_not() -> None:
    image = b.image()
    image.scan.components[0].vulns[0].CopyFrom(b.vuln(fixed_by=None))
    assert _messages(b.policy([("Fixable", ["false"])]), ImageSubject(image)) == []
    image.scan.components[0].vulns[0].CopyFrom(b.vuln(fixed_by=""))
    assert len(_messages(b.policy([("Fixable", ["false"])]), ImageSubject(image))) == 1


def test_unset_exposure_and_permission_never_match_even_negated() -> None:
    subject = b.on_deployment()
    subject.deployment.ports[0].exposure_infos[0].level = PortConfig.UNSET
    subject.deployment.service_account_permission_level = rbac_pb2.UNSET
    for name, value in (("Port Exposure Method", "UNSET"), ("Minimum RBAC Permissions", "DEFAULT")):
        for mode in ("", "!"):
            assert _messages(b.policy([(name, [value], mode)]), subject) == []


def test_criteria_under_missing_messages_never_match_even_negated() -> None:
    subject = b.on_deployment()
    bare = subject.deployment.containers[0]
    for part in ("security_context", "config", "readiness_probe"):
        bare.ClearField(part)
    for name, value in (
        ("Seccomp Profile Type", "LOCALHOST"),
        ("AppArmor Profile", "x"),
        ("Readiness Probe Defined", "true"),
    ):
        assert _messages(b.policy([(name, [value], "!")]), subject) == []


def test_ports_of_a_deployment_without_containers_never_match() -> None:
    made = b.deployment()
    del made.containers[:]
    assert _messages(b.policy([("Exposed Port", ["22"])]), DeploymentSubject(made)) == []
    assert _messages(b.policy([("Exposed Node Port", ["31000"])]), DeploymentSubject(made)) == [
        "Exposed node port 31000 is present"
    ]


def test_sections_are_alternatives_and_keep_their_order() -> None:
    policy = b.policy([("Namespace", ["prod"])], [("Namespace", ["none"])], [("Host IPC", ["true"])])
    assert _messages(policy, b.on_deployment()) == [
        "Namespace has name 'prod'",
        "Deployment uses the host's IPC namespace",
    ]


def test_image_user_with_ports_fails_to_print_once_per_port() -> None:
    subject = b.on_deployment()
    policy = b.policy([("Image User", [".*"]), ("Exposed Port", [">= 1"])])
    verdict = _judge(policy, subject)
    assert (verdict.matched, verdict.error) == (False, "violation printer error: missing field Image User")
    subject.deployment.ports.add(container_port=80)
    assert _judge(policy, subject).error == (
        "violation printer errors: [missing field Image User, missing field Image User]"
    )


@pytest.mark.parametrize(
    "other", [("Has Ingress Network Policy", ["true"]), ("Port Exposure Method", ["EXTERNAL"])]
)
def test_image_user_with_parts_outside_containers_fails_to_print(other: tuple[str, list[str]]) -> None:
    verdict = _judge(b.policy([("Image User", [".*"]), other]), b.on_deployment())
    assert verdict.error == "violation printer error: missing field Image User"


def test_image_user_with_other_container_criteria_prints_both() -> None:
    policy = b.policy([("Image User", [".*"]), ("Volume Name", ["docker"]), ("Namespace", ["prod"])])
    assert len(_messages(policy, b.on_deployment())) == 3


def test_network_policy_section_marks_all_violations() -> None:
    policy = b.policy(
        [("Has Egress Network Policy", ["false"]), ("Privileged Container", ["true"])],
        [("Host IPC", ["true"])],
    )
    verdict = _judge(policy, b.on_deployment())
    kinds = [violation.type for violation in verdict.violations]
    assert kinds == [Alert.Violation.NETWORK_POLICY, Alert.Violation.NETWORK_POLICY, Alert.Violation.GENERIC]
    for violation in verdict.violations:
        pairs = [(attribute.key, attribute.value) for attribute in violation.key_value_attrs.attrs]
        assert pairs == [("Policy ID", "np"), ("Policy name", "allow")]
        assert violation.time.ToDatetime(tzinfo=UTC) == b.NOW


def test_network_policies_unknown_never_match_and_empty_have_no_attributes() -> None:
    on = b.on_deployment()
    policy = b.policy([("Has Ingress Network Policy", ["false"], "!")])
    assert _messages(policy, DeploymentSubject(on.deployment, on.images)) == []
    known = DeploymentSubject(
        on.deployment, on.images, NetworkPoliciesApplied(has_ingress=True, has_egress=True)
    )
    (violation,) = _judge(policy, known).violations
    assert not violation.HasField("key_value_attrs")


def test_process_in_unknown_container_is_an_error_only_after_it_matched() -> None:
    subject = ProcessSubject(b.on_deployment(), b.process("ghost"))
    fits = b.policy([("Process Name", ["apt.*"])], stage=_RUNTIME, source=1)
    verdict = _judge(fits, subject)
    assert not verdict.matched
    assert verdict.error == (
        "indicator /usr/bin/apt-get could not be matched"
        " (container name ghost not found in deployment c1/prod/web"
    )
    other = b.policy([("Process Name", ["bash"])], stage=_RUNTIME, source=1)
    assert _judge(other, subject) == Verdict(matched=False)


def test_process_is_linked_with_its_own_container() -> None:
    on = _two_containers()
    policy = b.policy([("Process UID", ["0"]), ("Privileged Container", ["true"])], stage=_RUNTIME, source=1)
    assert _messages(policy, ProcessSubject(on, b.process("web"))) == ["Container 'web' is privileged"]
    assert _messages(policy, ProcessSubject(on, b.process("side"))) == []


def test_request_that_fits_no_section_silences_sections_on_the_workload() -> None:
    policy = b.policy(
        [("Host IPC", ["true"])], [("Kubernetes Resource", ["PODS_ATTACH"])], stage=_RUNTIME, source=1
    )
    assert _messages(policy, KubeEventSubject(b.exec_event(), b.on_deployment())) == []


def test_process_that_fits_no_section_leaves_sections_on_the_workload() -> None:
    policy = b.policy([("Host IPC", ["true"])], [("Process Name", ["bash"])], stage=_RUNTIME, source=1)
    verdict = _judge(policy, ProcessSubject(b.on_deployment(), b.process()))
    assert [violation.message for violation in verdict.violations] == [
        "Deployment uses the host's IPC namespace"
    ]
    assert verdict.process_violation is None


def test_event_violation_comes_once_after_all_sections() -> None:
    exec_section: list[b.Group] = [("Kubernetes Resource", ["PODS_EXEC"]), ("Host IPC", ["true"])]
    second: list[b.Group] = [("Kubernetes Resource", ["PODS_EXEC"]), ("Host PID", ["true"])]
    policy = b.policy(exec_section, second, stage=_RUNTIME, source=1)
    verdict = _judge(policy, KubeEventSubject(b.exec_event(), b.on_deployment()))
    assert [violation.type for violation in verdict.violations] == [0, 0, Alert.Violation.K8S_EVENT]


def test_audit_section_without_resource_and_verb_has_nothing_to_say() -> None:
    policy = b.policy([("User Agent", ["oc"])], stage=_RUNTIME, source=2)
    assert (
        _judge(policy, AuditEventSubject(b.audit_event())).error
        == "violation printer error: missing messages"
    )


def test_kube_event_of_unknown_pod_still_matches_its_own_criteria() -> None:
    policy = b.policy([("Kubernetes Resource", ["PODS_EXEC"])], stage=_RUNTIME, source=1)
    assert len(_messages(policy, KubeEventSubject(b.exec_event()))) == 1
    with_workload = b.policy(
        [("Kubernetes Resource", ["PODS_EXEC"]), ("Host IPC", ["true"])], stage=_RUNTIME, source=1
    )
    assert _messages(with_workload, KubeEventSubject(b.exec_event())) == []


@pytest.mark.parametrize("kind", [NetworkEntityInfo.UNKNOWN_TYPE, NetworkEntityInfo.LISTEN_ENDPOINT])
def test_flow_without_baseline_never_matches(kind: int) -> None:
    base = b.flow()
    odd = NetworkFlow(FlowEnd("x", kind), base.destination, 1, 1, not_in_baseline=True)
    policy = b.policy([("Unexpected Network Flow Detected", ["true"])], stage=_RUNTIME, source=1)
    assert _messages(policy, NetworkFlowSubject(b.on_deployment(), odd)) == []


def test_file_event_uses_its_own_process() -> None:
    access = b.file_access()
    policy = b.policy(
        [("File Path", ["/etc/**"]), ("Process Ancestor", [".*java"])], stage=_RUNTIME, source=1
    )
    assert len(_messages(policy, FileAccessSubject(b.on_deployment(), access))) == 1
    access.ClearField("process")
    assert _messages(policy, FileAccessSubject(b.on_deployment(), access)) == []


def test_node_event_without_file_criterion_has_nothing_to_say() -> None:
    policy = b.policy([("Process Name", ["apt.*"])], stage=_RUNTIME, source=3)
    verdict = _judge(policy, NodeEventSubject(b.node(), b.file_access()))
    assert verdict.error == "violation printer error: missing messages"


def test_file_event_without_any_path_never_matches() -> None:
    access = b.file_access()
    access.ClearField("file")
    policy = b.policy([("File Path", ["/**"])], stage=_RUNTIME, source=3)
    assert _messages(policy, NodeEventSubject(b.node(), access)) == []
    access.moved.effective_path = "/tmp/x"
    assert _messages(policy, NodeEventSubject(b.node(), access)) == ["'Unknown file' extended attribute set"]


def test_evaluation_filter_leaves_out_containers_of_a_type() -> None:
    subject = b.on_deployment()
    subject.deployment.containers[0].type = deployment_pb2.INIT
    policy = b.policy([("Privileged Container", ["true"])])
    policy.evaluation_filter.skip_container_types.append(deployment_pb2.INIT)
    assert _messages(policy, subject) == []
    off = compile_policy(policy, options=CompileOptions(evaluation_filter=False))
    assert off.evaluate(subject, b.NOW).matched
    subject.deployment.containers[0].type = deployment_pb2.REGULAR
    assert len(_messages(policy, subject)) == 1


def test_policy_on_more_than_the_image_cannot_be_compiled_for_builds() -> None:
    with pytest.raises(PolicyInvalid, match="invalid query: field Privileged unknown"):
        compile_policy(b.policy([("Privileged Container", ["true"])], stage=policy_pb2.BUILD))
    late = compile_policy(b.policy([("Privileged Container", ["true"])]))
    assert late.evaluate(ImageSubject(b.image()), b.NOW).error == "invalid query: field Privileged unknown"


def test_compiled_policy_keeps_its_own_copy() -> None:
    policy = b.policy([("Namespace", ["prod"])])
    compiled = compile_policy(policy)
    policy.name = "changed"
    assert compiled.name == "test policy"
    assert compiled.id == "id-test policy"


def test_compiled_policy_tells_what_it_needs() -> None:
    light = compile_policy(b.policy([("Image Tag", ["latest"]), ("Host IPC", ["true"])]))
    assert (light.needs_images, light.alerts_on_missing_enrichment) == (False, False)
    heavy = compile_policy(b.policy([("Unscanned Image", ["true"])]))
    assert (heavy.needs_images, heavy.alerts_on_missing_enrichment) == (True, True)


def test_time_in_nanoseconds_is_exact() -> None:
    assert nanoseconds(datetime(1970, 1, 2, 0, 0, 1, 5, tzinfo=UTC)) == 86_401_000_005_000


@pytest.mark.parametrize(
    "group",
    [("Replicas", ["3"]), ("Automount Service Account Token", ["true"]), ("Exposed Port", ["22"])],
)
def test_criterion_whose_message_may_name_a_container_needs_one(group: b.Group) -> None:
    without = b.deployment()
    assert _judge(b.policy([group]), DeploymentSubject(without)).matched
    del without.containers[:]
    assert not _judge(b.policy([group]), DeploymentSubject(without)).matched
    assert _judge(b.policy([("Host IPC", ["true"])]), DeploymentSubject(without)).matched


def test_unexpected_process_must_have_a_signal_to_name() -> None:
    policy = b.policy([("Unexpected Process Executed", ["true"])], stage=_RUNTIME)
    nameless = b.process()
    nameless.ClearField("signal")
    assert _judge(policy, ProcessSubject(b.on_deployment(), b.process(), not_in_baseline=True)).matched
    assert not _judge(policy, ProcessSubject(b.on_deployment(), nameless, not_in_baseline=True)).matched


def test_request_is_not_looked_at_for_a_policy_that_asks_about_none() -> None:
    policy = b.policy([("Host IPC", ["true"])])
    subject = KubeEventSubject(b.exec_event(), b.on_deployment())
    assert not _judge(policy, subject).matched
    assert _judge(policy, b.on_deployment()).matched


def test_flow_leaves_sections_on_the_workload_unless_it_can_have_no_baseline() -> None:
    sections: list[list[b.Group]] = [
        [("Unexpected Network Flow Detected", ["true"])],
        [("Host IPC", ["true"])],
    ]
    policy = b.policy(*sections, stage=_RUNTIME)
    expected = NetworkFlowSubject(b.on_deployment(), b.flow(unexpected=False))
    assert _messages(policy, expected) == ["Deployment uses the host's IPC namespace"]
    listening = replace(b.flow(), source=FlowEnd("x", NetworkEntityInfo.LISTEN_ENDPOINT))
    assert not _judge(policy, NetworkFlowSubject(b.on_deployment(), listening)).matched


@pytest.mark.parametrize(
    ("groups", "gaps"),
    [
        ([("File Path", ["/etc/passwd"])], 1),
        ([("File Path", ["/etc/passwd"]), ("Process Name", ["apt-get"])], 2),
        ([("File Path", ["/etc/passwd"]), ("Process Name", ["apt-get"]), ("Process Ancestor", [".*"])], 2),
    ],
)
def test_image_user_with_a_file_event_fails_to_print_for_each_of_its_parts(
    groups: list[b.Group], gaps: int
) -> None:
    policy = b.policy([("Image User", ["root"]), *groups], stage=_RUNTIME)
    verdict = _judge(policy, FileAccessSubject(b.on_deployment(), b.file_access()))
    gap = "missing field Image User"
    told = f"violation printer error: {gap}" if gaps == 1 else f"violation printer errors: [{gap}, {gap}]"
    assert (verdict.matched, verdict.error) == (False, told)


def test_signature_counts_only_when_verified_and_for_the_name_in_use() -> None:
    policy = b.policy([("Image Signature Verified By", [b.OTHER_SIGNER], "&")])
    subject = b.on_deployment()
    assert not _judge(policy, subject).matched
    (result,) = subject.images[0].signature_verification_data.results  # type: ignore[union-attr]
    result.verified_image_references[:] = ["quay.io/other/web:latest"]
    assert _judge(policy, subject).matched
    result.verified_image_references[:] = ["quay.io/acme/web:latest"]
    result.status = ImageSignatureVerificationResult.FAILED_VERIFICATION
    assert _judge(policy, subject).matched


def test_section_with_other_criteria_still_alerts_on_missing_images() -> None:
    mixed = compile_policy(b.policy([("Unscanned Image", ["true"]), ("Namespace", ["prod"])]))
    plain = compile_policy(b.policy([("Namespace", ["prod"])]))
    assert mixed.alerts_on_missing_enrichment
    assert not plain.alerts_on_missing_enrichment
