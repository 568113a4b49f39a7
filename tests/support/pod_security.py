"""The restricted Pod Security Standard, as code that names each breach.

For chart tests: it judges a pod's spec the way the API server's admission does at level
`restricted` (version latest, Linux pods).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_PROFILES = ("RuntimeDefault", "Localhost")


def restricted_breaches(spec: dict[str, Any]) -> list[str]:
    """Why the level `restricted` refuses a pod with this spec; empty if it does not."""
    pod = spec.get("securityContext") or {}
    found = [f"{key} is on" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    for volume in spec.get("volumes", []):
        kinds = set(volume) - {"name"}
        found += [f"volume {volume['name']} is a {kind}" for kind in sorted(kinds - _VOLUMES)]
    for container in all_containers(spec):
        found += [f"{container['name']}: {breach}" for breach in _container(container, pod)]
    return found


def all_containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Init containers and containers of a pod's spec."""
    return [*spec.get("initContainers", []), *spec.get("containers", [])]


def _container(container: dict[str, Any], pod: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext") or {}
    if own.get("privileged"):
        yield "is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    capabilities = own.get("capabilities") or {}
    if "ALL" not in capabilities.get("drop", []):
        yield "does not drop ALL capabilities"
    if added := set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"adds capabilities {sorted(added)}"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot is not true"
    if own.get("runAsUser", pod.get("runAsUser")) == 0:
        yield "runAsUser is 0"
    profile = own.get("seccompProfile") or pod.get("seccompProfile") or {}
    if profile.get("type") not in _PROFILES:
        yield "seccompProfile is not RuntimeDefault"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "uses a host port"
