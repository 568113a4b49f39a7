"""Deployment files: what is checked, what is beside it, what is passed over."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.pb.storage.deployment_pb2 import Deployment
from services.central.detection.files import Files, applied, read
from tests.support.pki import FixedClock

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, NAMESPACE}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: "nginx:1"}]}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: job}\nspec: {containers: [{name: c, image: busybox}]}\n"
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: NAME, NAMESPACE}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [TYPE]}
"""


def deployment(namespace: str = "") -> str:
    return DEPLOYMENT.replace("NAMESPACE", f"namespace: {namespace}" if namespace else "labels: {}")


def policy(name: str, kind: str, namespace: str = "") -> str:
    text = POLICY.replace("NAMESPACE", f"namespace: {namespace}" if namespace else "labels: {}")
    return text.replace("NAME", name, 1).replace("TYPE", kind)


def files(*documents: str, namespace: str = "") -> Files:
    return read("\n---\n".join(documents), namespace=namespace, now=FixedClock().now())


def test_read_keeps_the_order_of_the_documents() -> None:
    second = deployment().replace("name: web", "name: api", 1)
    found = files(POD, "", deployment(), "# nothing", second)
    assert [(one.name, one.type) for one in found.deployments] == [
        ("job", "Pod"),
        ("web", "Deployment"),
        ("api", "Deployment"),
    ]
    assert len({one.id for one in found.deployments} - {""}) == 3


def test_read_expands_lists_and_passes_over_what_runs_nothing() -> None:
    members = "".join(f"- {line}" if n == 0 else f"  {line}" for n, line in enumerate(POD.splitlines(True)))
    listed = f"apiVersion: v1\nkind: List\nitems:\n{members}"
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {}\n"
    found = files(listed, service)
    assert [one.name for one in found.deployments] == ["job"]
    assert found.ignored == ()


def test_read_names_custom_resources_that_it_ignores() -> None:
    custom = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w, namespace: n}\n"
    assert files(custom, POD).ignored == ("n/w[example.com/v1, Kind=Widget]",)


@pytest.mark.parametrize(
    ("own", "given", "namespace"), [("", "", "default"), ("", "prod", "prod"), ("own", "prod", "own")]
)
def test_read_gives_the_namespace_to_objects_without_one(own: str, given: str, namespace: str) -> None:
    found = files(deployment(own), policy("p", "Ingress", own), namespace=given)
    assert found.deployments[0].namespace == namespace
    assert found.network_policies[0].namespace == namespace


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "yaml field must be specified in detection request"),
        (" \n\t", "yaml field must be specified in detection request"),
        ("kind: [", "could not parse yaml: error converting YAML to JSON: yaml: "),
        ("just text", "could not parse yaml: couldn't get version/kind"),
        ("- a\n- b", "json: cannot unmarshal array into Go value"),
        ("apiVersion: v1\nmetadata: {}", "could not parse yaml: Object 'Kind' is missing"),
        ("kind: Pod", "could not parse yaml: Object 'apiVersion' is missing"),
        (POD + "---\nkind: [", "could not parse yaml: error converting YAML to JSON: yaml: "),
        ("a: &a [*a]", "could not parse yaml: "),
        ("!!python/object/apply:os.system ['id']", "could not parse yaml: "),
        ("---\n{}\n" * 2001, "could not parse yaml: more than 2000 documents"),
        ("[" * 200, "could not parse yaml: "),
    ],
)
def test_read_bad_text_is_refused_whole(text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(text, namespace="", now=FixedClock().now())
    assert message in refused.value.message


def test_read_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(Invalid, match="could not parse yaml: more than"):
        read("\n".join(lines), namespace="", now=FixedClock().now())


@pytest.mark.parametrize(
    ("policies", "ingress", "egress", "names"),
    [
        ([policy("a", "Ingress")], True, False, ["a"]),
        ([policy("a", "Egress")], False, True, ["a"]),
        (
            [policy("a", "Ingress"), policy("b", "Egress"), policy("c", "Ingress")],
            True,
            True,
            ["a", "b", "c"],
        ),
        ([policy("other", "Ingress", "elsewhere")], False, False, []),
    ],
)
def test_applied_tells_which_policies_select_the_pods(
    policies: list[str], ingress: bool, egress: bool, names: list[str]
) -> None:
    found = files(deployment(), *policies)
    selected = applied(found.deployments[0], found.network_policies)
    assert selected is not None
    assert (selected.has_ingress, selected.has_egress) == (ingress, egress)
    assert sorted(selected.policies.values()) == names


def test_applied_given_namespace_holds_for_policies_too() -> None:
    found = files(deployment(), policy("a", "Ingress"), namespace="prod")
    selected = applied(found.deployments[0], found.network_policies)
    assert selected is not None
    assert selected.has_ingress


def test_applied_without_policies_says_nothing() -> None:
    assert applied(Deployment(name="web"), None) is None
