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
    if path.startswith("/openapi/v3"):
        return _openapi(path.removeprefix("/openapi/v3").strip("/"))
    fixed: Json = {
        "/version": VERSION,
        "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in _groups()]},
    }
    if path in fixed:
        return dict(fixed[path])
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


def _openapi(place: str) -> Json | None:
    """What kubectl looks for before it applies: that this server checks fields by itself."""
    versions = sorted({resource.kind.api_version for resource in RESOURCES})
    names = {f"{'apis' if '/' in version else 'api'}/{version}": version for version in versions}
    if not place:
        return {"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}"} for name in names}}
    if place not in names:
        return None
    served = [resource for resource in RESOURCES if resource.kind.api_version == names[place]]
    info = {"title": "simulated Kubernetes", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": {_path(one): _patchable(one) for one in served}}


def _path(resource: Resource) -> str:
    kind = resource.kind
    return kind.in_namespace("{namespace}", "{name}") if resource.namespaced else f"{kind.path}/{{name}}"


def _patchable(resource: Resource) -> Json:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind.name}
    parameter = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    operation = {
        "parameters": [parameter],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": kind,
    }
    return {"patch": operation}
