"""Bootstrap against a real API server: with the chart's rights, killed at any moment, and the webhook."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyrox.mtls.ca import CertificateAuthority, load_certificates
from services.bootstrap.wanted import CENTRAL
from tests.conftest import shared_folder
from tests.support import kube
from tests.support.pki import Pki
from tests.support.process import Process

pytestmark = pytest.mark.needs("kube")
NAMES = sorted(one.name for one in CENTRAL)
LEAVES = [one.name for one in CENTRAL if one.has_certificate]
_SECONDS = 60


@pytest.fixture(scope="module", name="cluster")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[kube.Cluster]:
    scripts = shared_folder() / "kube"
    with kube.control_plane(scripts, tmp_path_factory.mktemp("kube"), port=kube.PORT + 40) as path:
        yield kube.Cluster(path)


def account(cluster: kube.Cluster, namespace: str, directory: Path) -> Path:
    """A kubeconfig of an account that has what the chart's Role gives, and nothing else."""
    cluster.apply(kube.namespace(namespace))
    rules = [
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": NAMES, "verbs": ["get", "patch"]},
    ]
    rbac = "rbac.authorization.k8s.io"
    name = {"name": "stackrox-bootstrap", "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name})
    cluster.apply({"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": name, "rules": rules})
    cluster.apply(
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": name,
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "stackrox-bootstrap"},
            "subjects": [{"kind": "ServiceAccount", **name}],
        }
    )
    token = cluster.must("create", "token", "stackrox-bootstrap", "-n", namespace).strip()
    raw = cluster.must("config", "view", "--raw", "-o", "json")
    config = json.loads(raw)
    config["users"] = [{"name": config["users"][0]["name"], "user": {"token": token}}]
    path = directory / "account.kubeconfig"
    path.write_text(json.dumps(config))
    return path


def bootstrap(directory: Path, kubeconfig: Path, *words: str) -> Process:
    made = Process("bootstrap", list(words), {"KUBECONFIG": str(kubeconfig)}, directory / "log")
    made.start()
    return made


def finished(process: Process) -> int:
    assert process.process is not None
    try:
        return process.process.wait(timeout=_SECONDS)
    finally:
        process.kill()


def secrets(cluster: kube.Cluster, namespace: str) -> dict[str, dict[str, Any]]:
    found = json.loads(cluster.must("get", "secrets", "-n", namespace, "-o", "json"))["items"]
    return {item["metadata"]["name"]: item for item in found}


def data(secret: dict[str, Any], key: str) -> bytes:
    return base64.b64decode(secret["data"][key])


def test_runs_that_are_killed_at_any_moment_leave_what_the_next_one_finishes(
    cluster: kube.Cluster, tmp_path: Path
) -> None:
    kubeconfig = account(cluster, "killed", tmp_path)
    seen: dict[str, dict[str, Any]] = {}
    for number in range(40):
        process = bootstrap(tmp_path, kubeconfig, "central", "--namespace", "killed")
        # From before its first request to after its last one.
        time.sleep(0.1 * number)
        process.kill()
        now = secrets(cluster, "killed")
        assert {name: now[name]["data"] for name in seen} == {name: seen[name]["data"] for name in seen}
        seen = now
        if len(seen) == len(NAMES):
            break
    assert finished(bootstrap(tmp_path, kubeconfig, "central", "--namespace", "killed")) == 0
    whole = secrets(cluster, "killed")
    assert sorted(whole) == NAMES
    (ca,) = load_certificates(data(whole["central-tls"], "ca.pem"))
    for name in LEAVES:
        load_certificates(data(whole[name], "cert.pem"))[0].verify_directly_issued_by(ca)
        assert whole[name]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_runs_at_once_agree_and_need_no_more_than_the_charts_rights(
    cluster: kube.Cluster, tmp_path: Path
) -> None:
    kubeconfig = account(cluster, "together", tmp_path)
    words = ("central", "--namespace", "together", "--release", "stackrox-central-services")
    runs = [bootstrap(tmp_path, kubeconfig, *words) for _ in range(3)]
    assert [finished(run) for run in runs] == [0, 0, 0], (tmp_path / "log").read_text()
    whole = secrets(cluster, "together")
    assert sorted(whole) == NAMES
    assert len({data(whole[name], "ca.pem") for name in LEAVES}) == 1


def test_account_without_rights_is_told_what_it_lacks(cluster: kube.Cluster, tmp_path: Path) -> None:
    kubeconfig = account(cluster, "refused", tmp_path)
    assert finished(bootstrap(tmp_path, kubeconfig, "central", "--namespace", "kube-system")) == 1
    said = (tmp_path / "log").read_text()
    assert "cannot get resource" in said
    assert "let the account of the Job read secrets of its namespace (Role stackrox-bootstrap)" in said


def test_certificates_of_a_foreign_ca_end_the_run_and_stay(cluster: kube.Cluster, tmp_path: Path) -> None:
    kubeconfig = account(cluster, "foreign", tmp_path)
    assert finished(bootstrap(tmp_path, kubeconfig, "central", "--namespace", "foreign")) == 0
    before = secrets(cluster, "foreign")
    cluster.must("delete", "secret", "central-tls", "-n", "foreign")
    assert finished(bootstrap(tmp_path, kubeconfig, "central", "--namespace", "foreign")) == 1
    assert "central-tls is missing, but certificates of its CA are there" in (tmp_path / "log").read_text()
    after = secrets(cluster, "foreign")
    assert {name: after[name]["data"] for name in after} == {
        name: secret["data"] for name, secret in before.items() if name != "central-tls"
    }


def test_webhook_learns_the_ca_of_the_init_bundle(cluster: kube.Cluster, tmp_path: Path) -> None:
    cluster.apply(kube.namespace("webhook"))
    ca: CertificateAuthority = Pki(tmp_path / "pki").ca
    encoded = base64.b64encode(ca.cert_pem).decode()

    def hook(name: str, path: str) -> dict[str, Any]:
        service = {"name": "admission-control", "namespace": "webhook", "path": path}
        return {
            "name": name,
            "clientConfig": {"service": service},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "NoneOnDryRun",
            "failurePolicy": "Ignore",
            "timeoutSeconds": 12,
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "webhook"}},
        }

    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    hooks = [hook("policyeval.stackrox.io", "/validate"), hook("k8sevents.stackrox.io", "/events")]
    cluster.apply({**kind, "metadata": {"name": "stackrox-test"}, "webhooks": hooks})
    words = ("secured", "--namespace", "webhook", "--without", "scanner-v4", "--webhook", "stackrox-test")
    assert finished(bootstrap(tmp_path, cluster.kubeconfig, *words)) == 1
    assert "apply an init bundle or a cluster registration secret" in (tmp_path / "log").read_text()
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "sensor-tls", "namespace": "webhook"},
            "data": {"ca.pem": encoded},
        }
    )
    assert finished(bootstrap(tmp_path, cluster.kubeconfig, *words)) == 0
    raw = cluster.must("get", "validatingwebhookconfiguration", "stackrox-test", "-o", "json")
    after = json.loads(raw)["webhooks"]
    assert [one["name"] for one in after] == ["policyeval.stackrox.io", "k8sevents.stackrox.io"]
    assert {one["clientConfig"]["caBundle"] for one in after} == {encoded}
    assert [one["clientConfig"]["service"]["path"] for one in after] == ["/validate", "/events"]
    assert finished(bootstrap(tmp_path, cluster.kubeconfig, *words)) == 0
