"""The explanation tree."""

from __future__ import annotations

import json

from pyrox.pb.storage import deployment_pb2, policy_pb2
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.subject import DeploymentSubject, ImageSubject, KubeEventSubject, ProcessSubject, Subject
from tests.unit.pyrox.policy import builders as b


def _explain(policy: policy_pb2.Policy, subject: Subject) -> dict[str, object]:
    tree = compile_policy(policy).explain(subject, b.NOW).to_json()
    assert json.loads(json.dumps(tree)) == tree
    return tree


def test_explanation_names_path_value_and_outcome() -> None:
    policy = b.policy([("Volume Name", ["docker"]), ("Host IPC", ["false"])])
    assert _explain(policy, b.on_deployment()) == {
        "policyId": "id-test policy",
        "policyName": "test policy",
        "matched": False,
        "sections": [
            {
                "section": "section 0",
                "matched": False,
                "error": "",
                "criteria": [
                    {
                        "criterion": "Volume Name",
                        "negate": False,
                        "operator": "OR",
                        "values": ["docker"],
                        "matched": True,
                        "omitted": 0,
                        "findings": [
                            {
                                "path": "containers[0].volumes[0].name",
                                "value": "docker",
                                "matched": True,
                                "linked": False,
                            }
                        ],
                    },
                    {
                        "criterion": "Host IPC",
                        "negate": False,
                        "operator": "OR",
                        "values": ["false"],
                        "matched": False,
                        "omitted": 0,
                        "findings": [
                            {"path": "host_ipc", "value": "true", "matched": False, "linked": False}
                        ],
                    },
                ],
            }
        ],
    }


def _findings(tree: dict[str, object], criterion: int = 0) -> list[tuple[str, str, bool, bool]]:
    sections = tree["sections"]
    assert isinstance(sections, list)
    found = sections[0]["criteria"][criterion]["findings"]
    return [(one["path"], one["value"], one["matched"], one["linked"]) for one in found]


def test_explanation_tells_which_object_was_linked() -> None:
    made = b.deployment()
    side = b.container(made, "side")
    side.security_context.privileged = False
    subject = DeploymentSubject(made, [b.image(), b.image()])
    policy = b.policy([("Privileged Container", ["true"]), ("Container Name", [".*"])])
    tree = _explain(policy, subject)
    assert tree["matched"] is True
    assert _findings(tree, 1) == [
        ("containers[0].name", "web", True, True),
        ("containers[1].name", "side", True, False),
    ]


def test_explanation_shows_lists_maps_times_and_compounds() -> None:
    policy = b.policy(
        [
            ("Add Capabilities", ["NET_ADMIN"]),
            ("Drop Capabilities", ["ALL"]),
            ("Required Label", ["owner=.*"]),
            ("Image Age", ["1"]),
            ("Image Component", ["curl="]),
        ]
    )
    subject = b.on_deployment()
    del subject.deployment.containers[0].security_context.drop_capabilities[:]
    tree = _explain(policy, subject)
    assert _findings(tree, 0)[0][1] == "NET_ADMIN"
    assert _findings(tree, 1)[0][1] == "<empty>"
    assert _findings(tree, 2)[0][1] == "app=web"
    assert _findings(tree, 3)[0][1] == "2026-08-01 00:00:00"
    assert _findings(tree, 4)[0][:2] == ("containers[0].image.scan.components[0]", "curl=7.64")


def test_explanation_of_an_image_starts_at_the_image() -> None:
    policy = b.policy([("CVE", ["cve-.*"])], stage=policy_pb2.BUILD)
    paths = [path for path, *_rest in _findings(_explain(policy, ImageSubject(b.image())))]
    assert paths[0] == "image.scan.components[0].vulns[0].cve"


def test_explanation_leaves_out_what_is_too_much() -> None:
    image = b.image()
    for number in range(150):
        image.scan.components[0].vulns.append(b.vuln(f"CVE-{number}"))
        image.scan.components[0].vulns.append(b.vuln(f"RHSA-{number}"))
    image.scan.components[0].vulns[0].suppressed = True
    policy = b.policy([("CVE", ["CVE-[0-9]+"])])
    tree = compile_policy(policy).explain(ImageSubject(image), b.NOW)
    (criterion,) = tree.sections[0].criteria
    assert len(criterion.findings) == 120
    # 301 identifiers and the one suppressed vulnerability.
    assert criterion.omitted == 302 - 120


def test_explanation_of_absent_parts_has_no_findings() -> None:
    on = b.on_deployment()
    tree = _explain(b.policy([("Image User", ["root"])]), DeploymentSubject(on.deployment, [None]))
    assert _findings(tree) == []


def test_explanation_carries_errors() -> None:
    policy = b.policy([("Process Name", ["apt.*"])], stage=policy_pb2.RUNTIME, source=1)
    missing = compile_policy(policy).explain(ProcessSubject(b.on_deployment(), b.process("ghost")), b.NOW)
    assert "container name ghost not found" in missing.sections[0].error
    beyond = compile_policy(b.policy([("Host IPC", ["true"])])).explain(ImageSubject(b.image()), b.NOW)
    assert beyond.sections[0].error == "invalid query: field Host IPC unknown"
    assert not beyond.matched


def test_explanation_respects_the_evaluation_filter_and_the_event() -> None:
    policy = b.policy([("Privileged Container", ["true"])])
    policy.evaluation_filter.skip_container_types.append(deployment_pb2.REGULAR)
    assert _findings(_explain(policy, b.on_deployment())) == []
    attach: list[b.Group] = [("Kubernetes Resource", ["PODS_ATTACH"])]
    other = b.policy([("Host IPC", ["true"])], attach, stage=policy_pb2.RUNTIME, source=1)
    tree = compile_policy(other).explain(KubeEventSubject(b.exec_event(), b.on_deployment()), b.NOW)
    assert (tree.matched, tree.sections[0].matched) == (False, True)
