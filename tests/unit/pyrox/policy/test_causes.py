"""Sentences of violations led back to the objects and values that they rest on."""

from __future__ import annotations

import json

from pyrox.pb.storage import deployment_pb2, policy_pb2
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy.causes import MAX_OBJECTS, Cause, Place, causes_of
from pyrox.policy.evaluate import compile_policy, nanoseconds
from pyrox.policy.eventmessages import process_message
from pyrox.policy.subject import (
    AuditEventSubject,
    DeploymentSubject,
    FileAccessSubject,
    KubeEventSubject,
    NetworkFlowSubject,
    ProcessSubject,
    Subject,
)
from tests.unit.pyrox.policy import builders as b


def _all(policy: Policy, subject: Subject) -> dict[str, list[Cause]]:
    """The causes of everything that the verdict says."""
    compiled = compile_policy(policy)
    verdict = compiled.evaluate(subject, b.NOW)
    assert verdict.matched
    wanted = [violation.message for violation in verdict.violations]
    if verdict.process_violation is not None:
        wanted.append(verdict.process_violation.message)
    found = causes_of(compiled, subject, nanoseconds(b.NOW), wanted)
    assert sorted(found) == sorted(set(wanted))
    return found


def _met(cause: Cause) -> list[tuple[str, str]]:
    return [(one.path, one.value) for criterion in cause.criteria for one in criterion.findings]


def test_sentence_names_its_container_and_the_value_it_met() -> None:
    ((cause,),) = _all(b.policy([("Privileged Container", ["true"])]), b.on_deployment()).values()
    assert json.loads(json.dumps(cause.to_json())) == {
        "sectionIndex": 0,
        "section": "section 0",
        "objects": [{"path": "containers[0]", "container": "web"}],
        "omittedObjects": 0,
        "criteria": [
            {
                "criterion": "Privileged Container",
                "negate": False,
                "operator": "OR",
                "values": ["true"],
                "findings": [
                    {
                        "path": "containers[0].security_context.privileged",
                        "value": "true",
                        "matched": True,
                        "linked": True,
                    }
                ],
                "omitted": 0,
            }
        ],
    }


def test_each_container_has_the_causes_of_its_own() -> None:
    made = b.deployment()
    b.container(made, "side")
    found = _all(b.policy([("Privileged Container", ["true"])]), DeploymentSubject(made))
    objects = {sentence: causes[0].objects for sentence, causes in found.items()}
    assert objects == {
        "Container 'web' is privileged": (Place("containers[0]", "web"),),
        "Container 'side' is privileged": (Place("containers[1]", "side"),),
    }
    assert [_met(causes[0]) for causes in found.values()] == [
        [("containers[0].security_context.privileged", "true")],
        [("containers[1].security_context.privileged", "true")],
    ]


def test_values_above_and_below_the_object_belong_to_it_and_others_do_not() -> None:
    made, image = b.deployment(), b.image()
    image.scan.components.add(name="zlib", version="1.3").vulns.append(b.vuln("CVE-2022-2"))
    policy = b.policy([("Image Component", ["curl="]), ("CVE", [".*"]), ("Host PID", ["true"])])
    found = _all(policy, DeploymentSubject(made, [image]))
    (sentence,) = (one for one in found if "CVE-2022-1" in one)
    (cause,) = found[sentence]
    component = "containers[0].image.scan.components[0]"
    assert cause.objects == (Place(f"{component}.vulns[0]", "web"),)
    assert _met(cause) == [
        (component, "curl=7.64"),
        (f"{component}.vulns[0].cve", "CVE-2022-1"),
        ("host_pid", "true"),
    ]
    assert not any("CVE-2022-2" in one for one in found)


def test_sentence_of_two_sections_has_two_causes() -> None:
    policy = b.policy(
        [("Volume Name", ["docker"])], [("Volume Name", ["nothing"])], [("Volume Type", ["HostPath"])]
    )
    ((first, third),) = _all(policy, b.on_deployment()).values()
    assert (first.section_index, first.section) == (0, "section 0")
    assert (third.section_index, third.section) == (2, "section 2")


def test_sentence_about_many_objects_shows_some_and_counts_the_rest() -> None:
    image = b.image()
    for _ in range(MAX_OBJECTS + 4):
        image.scan.components.add(name="curl", version="7.64").vulns.append(b.vuln())
    ((cause,),) = _all(b.policy([("CVE", [".*"])]), DeploymentSubject(b.deployment(), [image])).values()
    assert (len(cause.objects), cause.omitted_objects) == (MAX_OBJECTS, 5)


def test_events_have_causes_of_their_own() -> None:
    runtime, on = policy_pb2.RUNTIME, b.on_deployment()
    subjects: list[tuple[Policy, Subject, tuple[str, str]]] = [
        (
            b.policy([("Process Name", ["apt.*"])], stage=runtime, source=1),
            ProcessSubject(on, b.process()),
            ("containers[0].process.signal.name", "apt-get"),
        ),
        (
            b.policy([("Kubernetes Resource", ["PODS_EXEC"])], stage=runtime, source=1),
            KubeEventSubject(b.exec_event(), on),
            ("event.object.resource", "pods_exec"),
        ),
        (
            b.policy(
                [("Kubernetes Resource", ["SECRETS"]), ("Kubernetes API Verb", ["GET"])],
                stage=runtime,
                source=2,
            ),
            AuditEventSubject(b.audit_event()),
            ("event.object.resource", "secrets"),
        ),
        (
            b.policy([("Unexpected Network Flow Detected", ["true"])], stage=runtime, source=1),
            NetworkFlowSubject(on, b.flow()),
            ("flow.not_in_baseline", "true"),
        ),
        (
            b.policy([("File Path", ["/etc/*"])], stage=runtime, source=1),
            FileAccessSubject(on, b.file_access()),
            ("fileAccess.paths", "/etc/passwd, /host/etc/passwd"),
        ),
    ]
    first = [_met(next(iter(_all(policy, subject).values()))[0])[0] for policy, subject, _ in subjects]
    assert [value for _path, value in first] == [value for _, _, (_path, value) in subjects]
    assert all(
        path.split(".")[0] in {"containers[0]", "event", "flow", "networkFlow", "fileAccess"}
        for path, _ in first
    )


def test_process_and_workload_in_one_section_explain_each_other() -> None:
    policy = b.policy(
        [("Process Name", ["apt-get"]), ("Privileged Container", ["true"])],
        stage=policy_pb2.RUNTIME,
        source=1,
    )
    found = _all(policy, ProcessSubject(b.on_deployment(), b.process()))
    assert set(found) == {process_message([b.process()]), "Container 'web' is privileged"}
    assert [one.name for one in found["Container 'web' is privileged"][0].criteria] == [
        "Process Name",
        "Privileged Container",
    ]


def test_subject_that_does_not_violate_has_no_causes() -> None:
    compiled = compile_policy(b.policy([("Host IPC", ["false"])]))
    wanted = ["Deployment does not use the host's IPC namespace"]
    assert causes_of(compiled, b.on_deployment(), nanoseconds(b.NOW), wanted) == {}


def test_sentences_nobody_asked_for_are_left_out() -> None:
    compiled = compile_policy(b.policy([("Privileged Container", ["true"])]))
    assert causes_of(compiled, b.on_deployment(), nanoseconds(b.NOW), ["another"]) == {}


def test_containers_that_the_policy_skips_have_no_causes() -> None:
    policy = b.policy([("Privileged Container", ["true"])])
    policy.evaluation_filter.skip_container_types.append(deployment_pb2.INIT)
    made = b.deployment()
    b.container(made, "init").type = deployment_pb2.INIT
    found = _all(policy, DeploymentSubject(made))
    assert list(found) == ["Container 'web' is privileged"]
