"""What the simulated API server says about itself, as far as kubectl asks.

Pure answers made from the table of resources.
"""

from __future__ import annotations

from services.local.simulated.resources import RESOURCES, Resource
from services.local.simulated.store import Json

VERSION = {
    "major": "1",
    "minor": "33",
    "gitVersion": "v1.33.0+simulated",
    "gitCommit": "simulated",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}
_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def answer(path: str) -> Json | None:
    """The answer at a discovery path; None for any other path."""
    if path == "/version":
        return dict(VERSION)
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _groups()]}
    for resource in RESOURCES:
        version = resource.kind.api_version
        if path == f"/{'apis' if resource.group else 'api'}/{version}":
            return _resources(version)
        if resource.group and path == f"/apis/{resource.group}":
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(resource.group)}
    return None


def _groups() -> list[str]:
    return sorted({resource.group for resource in RESOURCES if resource.group})


def _group(name: str) -> Json:
    versions = sorted({resource.version for resource in RESOURCES if resource.group == name})
    found = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": found, "preferredVersion": found[0]}


def _resources(version: str) -> Json:
    served: list[Json] = []
    for resource in RESOURCES:
        if resource.kind.api_version == version:
            served += _entries(resource)
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": served}


def _entries(resource: Resource) -> list[Json]:
    kind = resource.kind
    entry: Json = {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": resource.namespaced,
        "kind": kind.name,
        "verbs": _VERBS,
    }
    if resource.short:
        entry["shortNames"] = list(resource.short)
    entries = [entry]
    if resource.scalable:
        scale = {
            "name": f"{kind.plural}/scale",
            "singularName": "",
            "namespaced": True,
            "kind": "Scale",
            "group": "autoscaling",
            "version": "v1",
            "verbs": ["get", "patch", "update"],
        }
        entries.append(scale)
    return entries
