"""What people do with it: see a bad image, refuse a bad workload, catch a shell."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest

from pyrox.clock import SystemClock
from services.local import starter
from tests.e2e.stories import REFUSED, SHELL, SHOP, WEB, Stories, registry, registry_host
from tests.support import cluster, image_archive
from tests.support.bundles import offline_bundle
from tests.support.cluster import apply, deployment, eventually, kubectl

pytestmark = [pytest.mark.needs("cluster", "helm"), pytest.mark.timeout(1200)]
# The port at which kubelets that know a registry without TLS usually expect one.
_REGISTRY_PORT = 5000
_VULNERABLE = {
    "srv/app/lib/python3/site-packages/Django-3.2.4.dist-info/METADATA": (
        b"Metadata-Version: 2.1\nName: Django\nVersion: 3.2.4\n"
    ),
    "srv/app/lib/python3/site-packages/Django-3.2.4.dist-info/RECORD": b"",
    "srv/app/lib/python3/site-packages/Jinja2-2.10.dist-info/METADATA": (
        b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 2.10\n"
    ),
    "srv/app/lib/python3/site-packages/Jinja2-2.10.dist-info/RECORD": b"",
}


def test_privileged_deployment_is_refused_with_the_policys_words(stories: Stories) -> None:
    told = stories.enforced()
    assert "Failed currently enforced policies from StackRox" in told
    assert REFUSED in told


def test_a_modest_deployment_is_taken_and_known(stories: Stories) -> None:
    seen = eventually(lambda: stories.deployment_id(WEB), seconds=120, what="Central knows the workload")
    uid = cluster.got("deployment", WEB, "-n", SHOP)["metadata"]["uid"]
    assert seen == uid


def test_shell_in_a_pod_is_a_process_of_its_deployment_and_a_violation(stories: Stories) -> None:
    eventually(lambda: stories.deployment_id(WEB), seconds=120, what="Central knows the workload")
    kubectl("exec", "-n", SHOP, f"deployment/{WEB}", "--", "/bin/sh", "-c", "cat /etc/passwd; id")
    found = eventually(
        lambda: [one for one in stories.processes(WEB) if "/etc/passwd" in one["signal"]["args"]],
        seconds=120,
        what="the process is shown",
    )
    pod = cluster.pods(SHOP, f"app={WEB}")[0]
    container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    assert {one["signal"]["containerId"] for one in found} == {container[:12]}
    assert {one["podId"] for one in found} == {pod["metadata"]["name"]}
    alerts = eventually(
        lambda: stories.installed.alerts(SHELL, WEB), seconds=120, what="the violation is shown"
    )
    assert [alert["lifecycleStage"] for alert in alerts] == ["RUNTIME"]


@pytest.mark.needs("docker_registry")
def test_vulnerable_image_of_a_registry_is_scanned_and_violates(stories: Stories, tmp_path: Path) -> None:
    host = registry_host()
    if not host:
        pytest.skip("E2E_HOST names no address of this machine that pods reach")
    _upload_advisories(stories, tmp_path)
    with registry(tmp_path, host, _REGISTRY_PORT) as address:
        # A node keeps the images of earlier runs by their names.
        reference = f"{address}/shop/vulnerable:{secrets.token_hex(4)}"
        image_archive.with_layer(_base(), tmp_path / "vulnerable.tar", reference, _VULNERABLE)
        image_archive.push(tmp_path / "vulnerable.tar", reference)
        _integrate(stories, address)
        apply(deployment(SHOP, "vulnerable", reference))
        kubectl("rollout", "status", "-n", SHOP, "deployment/vulnerable", "--timeout=180s", seconds=200)
        policy = "Fixable Severity at least Important"
        found = eventually(
            lambda: stories.installed.alerts(policy, "vulnerable"), seconds=180, what="the image's violation"
        )
        assert [alert["lifecycleStage"] for alert in found] == ["DEPLOY"]
        image = _image(stories, reference)
    names = {(one["name"], one["version"]) for one in image["scan"]["components"]}
    assert {("django", "3.2.4"), ("jinja2", "2.10")} <= names


def _base() -> Path:
    """The archive of an image with a shell that was built for this cluster."""
    return Path(os.environ.get("E2E_IMAGES", "build/images")) / "roxctl.tar"


def _upload_advisories(stories: Stories, directory: Path) -> None:
    bundle = directory / "vulnerabilities.zip"
    starter.write(bundle, SystemClock())
    content = offline_bundle({"vulnerabilities.zip": bundle.read_bytes()})
    with stories.installed.central() as client:
        done = client.post("/api/extensions/scannerdefinitions", content=content)
    assert done.status_code == httpx.codes.OK, done.text


def _integrate(stories: Stories, address: str) -> None:
    body = {
        "name": "e2e registry",
        "type": "docker",
        "categories": ["REGISTRY"],
        "docker": {"endpoint": f"http://{address}", "insecure": True},
    }
    with stories.installed.central() as client:
        made = client.post("/v1/imageintegrations", json=body)
    assert made.status_code == httpx.codes.OK, made.text


def _image(stories: Stories, reference: str) -> Any:
    found = stories.installed.get("/v1/images", query=f"Image:{reference}")["images"]
    return stories.installed.get(f"/v1/images/{found[0]['id']}")
