"""Sentences whose form depends on what is known."""

from __future__ import annotations

import pytest

from pyrox.pb.storage import cve_pb2, policy_pb2
from pyrox.pb.storage.deployment_pb2 import ContainerConfig, PortConfig
from pyrox.pb.storage.image_pb2 import Image
from pyrox.policy import messages
from pyrox.policy.evaluate import compile_policy
from pyrox.policy.subject import DeploymentSubject, ImageSubject, Subject
from tests.unit.pyrox.policy import builders as b


def _said(subject: Subject, *groups: b.Group) -> list[str]:
    stage = policy_pb2.BUILD if isinstance(subject, ImageSubject) else policy_pb2.DEPLOY
    verdict = compile_policy(b.policy(list(groups), stage=stage)).evaluate(subject, b.NOW)
    assert verdict.error == ""
    return [violation.message for violation in verdict.violations]


@pytest.mark.parametrize(
    ("words", "joined"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b, and c")],
)
def test_sentence_joins_words(words: list[str], joined: str) -> None:
    assert messages.sentence(words) == joined


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (("Image Tag", ["latest"]), "Image has tag 'latest'"),
        (("Image OS", ["debian.*"]), "Image has base OS 'debian:12'"),
        (("Image User", ["root"]), "Image has user 'root'"),
        (("Image Age", ["1"]), "Image was created at 2026-08-01 00:00:00 (UTC)"),
        (("Image Scan Age", ["1"]), "Image was last scanned at 2026-08-01 00:00:00 (UTC)"),
        (("Image Component", ["curl="]), "Image includes component 'curl' (version 7.64)"),
        (("Unscanned Image", ["false"]), "Image has been scanned"),
        (("Dockerfile Line", ["RUN="]), "Dockerfile line 'RUN apt-get update && apt-get instal...' found"),
    ],
)
def test_image_sentence_without_container(group: b.Group, message: str) -> None:
    assert _said(ImageSubject(b.image()), group) == [message]


def test_image_details_are_one_sorted_sentence() -> None:
    groups: list[b.Group] = [
        ("Image Tag", ["latest"]),
        ("Image Remote", ["acme/web"]),
        ("Image Registry", ["quay.io"]),
    ]
    assert _said(ImageSubject(b.image()), *groups) == [
        "Image has registry 'quay.io', remote 'acme/web', and tag 'latest'"
    ]


def test_empty_tag_shows_the_digest_only_in_deployments() -> None:
    image = b.image()
    image.name.tag = ""
    assert _said(ImageSubject(image), ("Image Tag", ["^$"])) == ["Image has an empty tag"]
    on = DeploymentSubject(b.deployment(), [image])
    assert _said(on, ("Image Tag", ["^$"])) == [
        "Container 'web' has image with an empty tag, digest sha256:aa"
    ]


def test_unscanned_image_and_unsigned_image_say_so() -> None:
    bare = Image(id="x")
    assert _said(ImageSubject(bare), ("Unscanned Image", ["true"])) == ["Image has not been scanned"]
    assert _said(ImageSubject(bare), ("Image Signature Verified By", [b.SIGNER])) == [
        "Image signature is not verified by the specified signature integration(s)."
    ]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("x" * 32, "x" * 32),
        ("x" * 33, f"{'x' * 32}..."),
        ("é" * 16, "é" * 16),
        (f"{'x' * 31}é", f"{'x' * 31}\ufffd..."),
    ],
)
def test_dockerfile_line_is_cut_after_32_bytes(line: str, shown: str) -> None:
    image = b.image()
    image.metadata.v1.layers[0].value = line
    assert _said(ImageSubject(image), ("Dockerfile Line", ["RUN=.*"])) == [
        f"Dockerfile line 'RUN {shown}' found"
    ]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("SECRET_KEY", " and references a Secret"),
        ("CONFIG_MAP_KEY", " and references a ConfigMap"),
        ("FIELD", " and references a field"),
        ("RESOURCE_FIELD", " and references a resource field"),
        ("UNKNOWN", ""),
    ],
)
def test_variable_sentence_names_its_source(source: str, words: str) -> None:
    subject = b.on_deployment()
    kinds = ContainerConfig.EnvironmentConfig.EnvVarSource
    subject.deployment.containers[0].config.env[0].env_var_source = kinds.Value(source)
    assert _said(subject, ("Environment Variable", [f"{source}=DB.*="])) == [
        f"Environment variable 'DB_PASSWORD' is present in container 'web'{words}"
    ]


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("ROUTE", "exposed with a route"),
        ("NODE", "exposed on node port"),
        ("HOST", "exposed on host port"),
        ("INTERNAL", "using internal cluster IP"),
    ],
)
def test_exposure_sentence_names_the_level(level: str, words: str) -> None:
    subject = b.on_deployment()
    subject.deployment.ports[0].exposure_infos[0].level = PortConfig.ExposureLevel.Value(level)
    assert _said(subject, ("Port Exposure Method", [level])) == [f"Deployment port(s) {words}"]


def test_node_port_sentence_has_the_protocol_beside_other_port_criteria() -> None:
    assert _said(
        b.on_deployment(), ("Exposed Node Port", ["31000"]), ("Port Exposure Method", ["EXTERNAL"])
    ) == [
        "Deployment port(s) exposed with load balancer",
        "Exposed node port 31000/TCP is present",
    ]


@pytest.mark.parametrize(
    ("level", "words"),
    [
        (1, "no specified access"),
        (2, "default access"),
        (4, "elevated access cluster wide"),
        (5, "cluster admin access"),
    ],
)
def test_permission_sentence_names_the_level(level: int, words: str) -> None:
    subject = b.on_deployment()
    subject.deployment.service_account_permission_level = level  # type: ignore[assignment]  # a plain number
    mode = "!" if level == 1 else ""
    assert _said(subject, ("Minimum RBAC Permissions", ["DEFAULT"], mode)) == [
        f"Service account permission level with {words}"
    ]


def test_container_without_name_is_left_out_of_sentences() -> None:
    made = b.deployment()
    made.containers[0].name = ""
    subject = DeploymentSubject(made, [b.image()])
    said = _said(
        subject,
        ("Privileged Container", ["true"]),
        ("Container CPU Limit", ["1.5"]),
        ("Image OS", [".*"]),
        ("Unscanned Image", ["false"]),
        ("Image Signature Verified By", [b.SIGNER]),
        ("Allow Privilege Escalation", ["true"]),
    )
    assert said[:2] == ["CPU limit set to 1.5 cores", "Container allows privilege escalation"]
    assert [text for text in said if "''" in text] == []


def test_container_without_name_leaves_two_spaces_before_its_root_filesystem() -> None:
    made = b.deployment()
    made.containers[0].name = ""
    subject = DeploymentSubject(made)
    assert _said(subject, ("Read-Only Root Filesystem", ["false"])) == [
        "Container  uses a read-write root filesystem"
    ]
    assert _said(subject, ("Allow Privilege Escalation", ["true"])) == [
        "Container allows privilege escalation"
    ]


def test_negative_forms_are_said_as_such() -> None:
    made = b.deployment()
    security = made.containers[0].security_context
    security.privileged, security.allow_privilege_escalation, security.read_only_root_filesystem = (
        False,
        False,
        True,
    )
    made.host_ipc = made.automount_service_account_token = False
    assert _said(
        DeploymentSubject(made),
        ("Privileged Container", ["false"]),
        ("Allow Privilege Escalation", ["false"]),
        ("Read-Only Root Filesystem", ["true"]),
        ("Host IPC", ["false"]),
        ("Automount Service Account Token", ["false"]),
    ) == [
        "Container 'web' does not allow privilege escalation",
        "Container 'web' is not privileged",
        "Container 'web' uses a read-only root filesystem",
        "Deployment does not mount the service account tokens.",
        "Deployment does not use the host's IPC namespace",
    ]


def test_vulnerability_of_component_without_version_shows_it_empty() -> None:
    image = b.image()
    image.scan.components[0].version = ""
    image.scan.components[0].vulns[0].severity = cve_pb2.UNKNOWN_VULNERABILITY_SEVERITY
    assert _said(ImageSubject(image), ("Severity", ["UNKNOWN"])) == [
        "CVE-2022-1 (CVSS 7.5) (severity Unknown) found in component 'curl' (version )"
    ]
    assert _said(ImageSubject(image), ("Image Component", ["curl="])) == ["Image includes component 'curl'"]


def test_vulnerability_of_component_without_name_shows_no_component() -> None:
    image = b.image()
    image.scan.components[0].name = ""
    (said,) = _said(ImageSubject(image), ("CVE", ["CVE-2022-1"]))
    assert said == "CVE-2022-1 (CVSS 7.5) (severity Important) found"


def test_volume_about_which_nothing_is_known_is_an_error_per_volume() -> None:
    made = b.deployment()
    volumes = made.containers[0].volumes
    del volumes[:]
    volumes.add(name="bare")
    volumes.add(name="bare too")
    volumes.add(name="known", destination="/data")
    verdict = compile_policy(b.policy([("Volume Name", [".*"])])).evaluate(DeploymentSubject(made), b.NOW)
    assert (verdict.matched, verdict.violations) == (False, ())
    assert verdict.error == ("violation printer errors: [missing volume details, missing volume details]")
    assert _said(DeploymentSubject(made), ("Mount Propagation", ["NONE"]))[0] == (
        "Writable volume 'bare too' has mount propagation 'none'"
    )


def test_value_of_a_label_is_cut_by_bytes() -> None:
    made = b.deployment()
    made.annotations.clear()
    made.annotations["note"] = "a" * 63 + "\u00e9t"
    assert _said(DeploymentSubject(made), ("Disallowed Annotation", ["note="])) == [
        f"Disallowed annotations found: note={'a' * 63}\ufffd"
    ]


def test_port_without_protocol_is_shown_alone() -> None:
    made = b.deployment()
    made.ports[0].protocol = ""
    assert _said(DeploymentSubject(made), ("Exposed Port", ["22"])) == ["Exposed port 22 is present"]
