"""The YAML of a mounted file as the objects that it describes. Pure.

The watcher gives it the text of each file. Fields, ids and refusals are upstream's
(pkg/declarativeconfig); policies, which upstream has as resources only, are written as
SecurityPolicy resources. A document that cannot be used is a `Problem`; the others count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid5

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message

from pyrox.errors import Invalid
from pyrox.pb.storage.auth_machine_to_machine_pb2 import AuthMachineToMachineConfig
from pyrox.pb.storage.role_pb2 import PermissionSet, Role, SimpleAccessScope
from pyrox.pb.storage.traits_pb2 import Traits
from pyrox.policy.resource import name_of
from services.central.access.defaults import Defaults

Json = dict[str, Any]
MAX_DOCUMENTS = 1000
M = TypeVar("M", bound=Message)
_DECLARED = Traits(origin=Traits.DECLARATIVE)


@dataclass(frozen=True, slots=True)
class PolicyResource:
    """A policy that is not yet converted: names of clusters are Central's matter."""

    id: str
    name: str
    spec: Json


Wanted = SimpleAccessScope | PermissionSet | Role | AuthMachineToMachineConfig | PolicyResource


@dataclass(frozen=True, slots=True)
class Problem:
    """A document that cannot be used, and why."""

    text: str


def stable_id(namespace: str, name: str) -> str:
    """The id of a declared object: always the same for its name (upstream pkg/uuid)."""
    return str(uuid5(UUID(bytes=hashlib.sha256(namespace.encode()).digest()[:16]), name))


class Reader:
    """Reads documents; knows the ids of the default objects that roles may name."""

    def __init__(self, *, defaults: Defaults) -> None:
        self._permission_sets = {one.name: one.id for one in defaults.permission_sets}
        self._access_scopes = {one.name: one.id for one in defaults.access_scopes}

    def read(self, text: str) -> Iterator[Wanted | Problem]:
        """Each document's object, or what is wrong with it."""
        try:
            for number, document in enumerate(_documents(text)):
                if number == MAX_DOCUMENTS:
                    yield Problem(f"more than {MAX_DOCUMENTS} documents in a file")
                    return
                yield self._object(document)
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            yield Problem(f"decoding YAML file contents: {error}")

    def _object(self, document: object) -> Wanted | Problem:
        try:
            if not isinstance(document, dict):
                raise Invalid("unable to unmarshal the configuration: expected an object")
            return self._kind(document)(document)
        except (Invalid, json_format.ParseError, RecursionError) as error:
            text = error.message if isinstance(error, Invalid) else str(error)
            name = document.get("name") or document.get("issuer") if isinstance(document, dict) else ""
            return Problem(f"{name}: {text}" if name else text)

    def _kind(self, document: Json) -> Callable[[Json], Wanted]:
        """The reader for what the document's fields tell it is. Raises `Invalid`."""
        kinds: Mapping[str, Callable[[Json], Wanted]] = {
            "rules": _access_scope,
            "resources": _permission_set,
            "accessScope": self._role,
            "permissionSet": self._role,
            "issuer": _machine_login,
            "mappings": _machine_login,
        }
        if document.get("kind") == "SecurityPolicy":
            return _policy
        if unserved := sorted(document.keys() & _UNSERVED.keys()):
            raise Invalid(f"{_UNSERVED[unserved[0]]} are not served by this Central")
        found = next((kinds[key] for key in kinds if key in document), None)
        if found is None:
            raise Invalid("unable to unmarshal the configuration: no known kind has these fields")
        return found

    def _role(self, document: Json) -> Role:
        _only(document, "name", "description", "accessScope", "permissionSet")
        name, scope, permissions = (
            _named(document, key, text)
            for key, text in (
                ("name", "name"),
                ("accessScope", "access scope"),
                ("permissionSet", "permission set"),
            )
        )
        return Role(
            name=name,
            description=_text(document, "description"),
            permission_set_id=self._permission_sets.get(permissions)
            or stable_id("permission-set", permissions),
            access_scope_id=self._access_scopes.get(scope) or stable_id("access-scope", scope),
            traits=_DECLARED,
        )


# Fields by which auth providers and notifiers are known.
_UNSERVED = {
    **dict.fromkeys(
        ("oidc", "saml", "iap", "userpki", "openshift", "minimumRole", "groups", "uiEndpoint"),
        "auth providers",
    ),
    **dict.fromkeys(("generic", "splunk"), "notifiers"),
}


class _Loader(yaml.SafeLoader):
    """Without references, by which a small file could mean a huge one, and without dates."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("references (*name) are not taken")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _documents(text: str) -> Iterator[object]:
    for document in yaml.load_all(text, _Loader):
        if isinstance(document, list):
            yield from document
        elif document is not None:
            yield document


def _access_scope(document: Json) -> SimpleAccessScope:
    _only(document, "name", "description", "rules")
    rules = document["rules"] if isinstance(document["rules"], dict) else {}
    _only(rules, "includedObjects", "clusterLabelSelectors", "namespaceLabelSelectors")
    objects = _objects(rules, "includedObjects")
    selectors = {
        key: [{"requirements": [_requirement(r) for r in _objects(one, "requirements")]} for one in found]
        for key in ("clusterLabelSelectors", "namespaceLabelSelectors")
        if (found := _objects(rules, key))
    }
    name = _named(document, "name", "name")
    form = {
        "id": stable_id("access-scope", name),
        "name": name,
        "description": _text(document, "description"),
        "rules": {
            "includedClusters": [one.get("cluster") for one in objects if not one.get("namespaces")],
            "includedNamespaces": [
                {"clusterName": one.get("cluster"), "namespaceName": namespace}
                for one in objects
                for namespace in one.get("namespaces") or ()
            ],
            **selectors,
        },
    }
    return _message(form, SimpleAccessScope(traits=_DECLARED))


def _requirement(given: Json) -> Json:
    _only(given, "key", "operator", "values")
    return {"key": given.get("key"), "op": given.get("operator"), "values": given.get("values") or []}


def _permission_set(document: Json) -> PermissionSet:
    _only(document, "name", "description", "resources")
    name = _named(document, "name", "name")
    form = {
        "id": stable_id("permission-set", name),
        "name": name,
        "description": _text(document, "description"),
        "resourceToAccess": {
            str(one.get("resource")): one.get("access", "NO_ACCESS")
            for one in _objects(document, "resources")
        },
    }
    return _message(form, PermissionSet(traits=_DECLARED))


def _machine_login(document: Json) -> AuthMachineToMachineConfig:
    _only(document, "type", "tokenExpirationDuration", "mappings", "issuer", "audience")
    issuer = _named(document, "issuer", "issuer")
    form = {key: value for key, value in document.items() if key != "mappings"}
    form["id"] = stable_id("auth-machine-to-machine-config", issuer)
    form["mappings"] = [
        {"key": one.get("key"), "valueExpression": one.get("value"), "role": one.get("role")}
        for one in _objects(document, "mappings")
    ]
    return _message(form, AuthMachineToMachineConfig(traits=_DECLARED))


def _policy(document: Json) -> PolicyResource:
    spec, metadata = document.get("spec"), document.get("metadata")
    if not isinstance(spec, dict) or not isinstance(metadata, dict) or not metadata.get("name"):
        raise Invalid("a SecurityPolicy needs metadata.name and spec")
    key = str(metadata["name"])
    return PolicyResource(stable_id("policy", key), name_of(spec) or key, spec)


def _message(form: Json, made: M) -> M:
    return json_format.ParseDict(form, made)


def _only(document: Json, *fields: str) -> None:
    if unknown := sorted(str(key) for key in document.keys() - set(fields)):
        raise Invalid(f"unable to unmarshal the configuration: field {unknown[0]} not found")


def _text(document: Json, key: str) -> str:
    found = document.get(key) or ""
    if not isinstance(found, str):
        raise Invalid(f"{key}: expected a text")
    return found


def _named(document: Json, key: str, words: str) -> str:
    if not (found := _text(document, key)):
        raise Invalid.because(f"{words} must be non-empty")
    return found


def _objects(document: Json, key: str) -> list[Json]:
    found = document.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Invalid(f"{key}: expected a list of objects")
    return found
