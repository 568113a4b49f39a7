"""Paths of the Kubernetes API."""

from __future__ import annotations

import pytest

from services.local.simulated.resources import of_manifest, parse


@pytest.mark.parametrize(
    ("path", "meaning"),
    [
        ("/api/v1/pods", ("pods", "", "", "")),
        ("/api/v1/namespaces", ("namespaces", "", "", "")),
        ("/api/v1/namespaces/shop", ("namespaces", "", "shop", "")),
        ("/api/v1/namespaces/shop/pods", ("pods", "shop", "", "")),
        ("/api/v1/namespaces/shop/pods/web/exec", ("pods", "shop", "web", "exec")),
        ("/apis/apps/v1/namespaces/shop/deployments/web/scale", ("deployments", "shop", "web", "scale")),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles/view", ("clusterroles", "", "view", "")),
        ("/api/v1/namespaces/shop/status", ("namespaces", "", "shop", "status")),
    ],
)
def test_a_path_names_resource_namespace_name_and_subresource(path: str, meaning: tuple[str, ...]) -> None:
    found = parse(path)
    assert found is not None
    assert (found.resource.kind.plural, found.namespace, found.name, found.subresource) == meaning


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/v1",
        "/api/v2/pods",
        "/apis/apps/v1",
        "/api/v1/pods/web",
        "/apis/apps/v1/namespaces/shop/things",
        "/api/v1/namespaces/shop/pods/web/exec/more",
        "/metrics/v1/pods",
    ],
)
def test_a_path_of_nothing_means_nothing(path: str) -> None:
    assert parse(path) is None


def test_a_manifest_is_known_by_version_and_kind() -> None:
    found = of_manifest("apps/v1", "Deployment")
    assert found is not None
    assert (found.group, found.version, found.scalable) == ("apps", "v1", True)
    assert of_manifest("apps/v2", "Deployment") is None
