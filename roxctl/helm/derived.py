"""Values of the central chart, read back from the objects of an installation.

Pure: `derive_local_values.py` fetches the objects. What an object does not tell (who may
reach the metrics, probes, affinity, ...) is left out, and so is what equals the chart's
defaults.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

Values = dict[str, Any]
Object = Mapping[str, Any]
_HTTPS = 443
_DECLARATIVE = "/run/stackrox.io/declarative-configuration/"
_OWN_KEYS = re.compile(r"app|owner|email|([a-z.-]+\.)?(kubernetes\.io|helm\.sh)/.*")
# What the chart itself sets in the container of Central (templates/_central.tpl).
_OWN_ENV = frozenset(
    {
        *(
            "GOMAXPROCS",
            "GRPC_ENFORCE_ALPN_ENABLED",
            "POD_NAME",
            "POD_NAMESPACE",
            "ROX_ENABLE_OPENSHIFT_AUTH",
        ),
        *("ROX_ENC_NOTIFIER_CREDS", "ROX_INSTALL_METHOD", "ROX_MEMLIMIT", "ROX_METRICS_PORT"),
        *("ROX_OFFLINE_MODE", "ROX_OPENSHIFT", "ROX_SCANNER_V4", "ROX_SCANNER_V4_INDEXER_ENDPOINT"),
        *("ROX_SCANNER_V4_MATCHER_ENDPOINT", "ROX_TELEMETRY_ENDPOINT", "ROX_TELEMETRY_STORAGE_KEY_V1"),
    }
)
# Deployment to the path of its values, of its image, and the image's name.
_WORKLOADS = {
    "central": (("central",), ("central", "image"), "main"),
    "central-db": (("central", "db"), ("central", "db", "image"), "central-db"),
    "scanner-v4-indexer": (("scannerV4", "indexer"), ("scannerV4", "indexer", "image"), "scanner-v4"),
    "scanner-v4-matcher": (("scannerV4", "matcher"), ("scannerV4", "matcher", "image"), "scanner-v4"),
    "scanner-v4-db": (("scannerV4", "db"), ("scannerV4", "db", "image"), "scanner-v4-db"),
}
# Secret to its keys and where they go.
_SECRETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "central-tls": {
        "ca.pem": ("ca", "cert"),
        "ca-key.pem": ("ca", "key"),
        "jwt-key.pem": ("central", "jwtSigner", "key"),
        "cert.pem": ("central", "serviceTLS", "cert"),
        "key.pem": ("central", "serviceTLS", "key"),
    },
    **{
        f"{name}-tls": {f"{part}.pem": (*path, "serviceTLS", part) for part in ("cert", "key")}
        for name, (path, _, __) in _WORKLOADS.items()
        if name != "central"
    },
    "central-htpasswd": {"htpasswd": ("central", "adminPassword", "htpasswd")},
    "central-db-password": {"password": ("central", "db", "password", "value")},
    "scanner-v4-db-password": {"password": ("scannerV4", "db", "password", "value")},
    "central-default-tls-cert": {
        "tls.crt": ("central", "defaultTLS", "cert"),
        "tls.key": ("central", "defaultTLS", "key"),
    },
    "central-license": {"license.lic": ("licenseKey",)},
    "proxy-config": {"config.yaml": ("env", "proxyConfig")},
}


class Objects:
    """The installation's objects by kind and name."""

    def __init__(self, objects: Iterable[object]) -> None:
        """Whatever is not an object of Kubernetes is left out."""
        self._known: dict[tuple[str, str], Object] = {}
        for one in objects:
            name = _at(one, "metadata", "name")
            kind = _at(one, "kind")
            if isinstance(one, Mapping) and isinstance(name, str) and isinstance(kind, str):
                self._known[kind, name] = one

    def get(self, kind: str, name: str, *path: str) -> Any:
        """A field of an object; nothing where either is missing."""
        return _at(self._known.get((kind, name)), *path)

    def container(self, deployment: str) -> Object:
        """The container that is named as its Deployment, else the first."""
        path = ("spec", "template", "spec", "containers")
        found = [one for one in self.get("Deployment", deployment, *path) or () if isinstance(one, Mapping)]
        named = [one for one in found if one.get("name") == deployment]
        return next(iter(named or found), {})

    def volumes(self, deployment: str) -> list[Object]:
        """The volumes of a Deployment's pods."""
        path = ("spec", "template", "spec", "volumes")
        return [one for one in self.get("Deployment", deployment, *path) or () if isinstance(one, Mapping)]

    def secret(self, name: str) -> dict[str, str]:
        """The texts of a Secret; what cannot be decoded is left out."""
        found = {
            str(key): str(value) for key, value in (self.get("Secret", name, "stringData") or {}).items()
        }
        for key, value in (self.get("Secret", name, "data") or {}).items():
            try:
                found[str(key)] = base64.b64decode(str(value), validate=True).decode()
            except (binascii.Error, ValueError):
                continue
        return found


def public(objects: Objects, defaults: Values) -> Values:
    """Everything but secrets; `defaults` are the chart's own values."""
    made: Values = {}
    env = {str(one.get("name")): one for one in _list(objects.container("central").get("env"))}
    if _at(env, "ROX_OFFLINE_MODE", "value") == "true":
        _put(made, True, "env", "offlineMode")
    if _at(env, "ROX_TELEMETRY_STORAGE_KEY_V1", "value") == "DISABLED":
        _put(made, False, "central", "telemetry", "enabled")
    for name in _WORKLOADS:
        _put_workload(made, objects, name, defaults)
    _put_database(made, objects)
    _put_configuration(made, objects, defaults)
    _put_exposure(made, objects)
    _put_custom(made, objects, env)
    if not objects.get("Deployment", "scanner-v4-indexer"):
        _put(made, True, "scannerV4", "disable")
    return made


def private(objects: Objects) -> Values:
    """Secrets alone."""
    made: Values = {}
    for name, keys in _SECRETS.items():
        found = objects.secret(name)
        for key, path in keys.items():
            if found.get(key):
                _put(made, found[key], *path)
    return made


def _put_workload(made: Values, objects: Objects, name: str, defaults: Values) -> None:
    path, image_path, image_name = _WORKLOADS[name]
    container = objects.container(name)
    image = _image(container.get("image"), image_name, str(_at(defaults, "image", "registry")))
    if image:
        _put(made, image, *image_path)
    resources = _beyond(container.get("resources"), _at(defaults, "profiles", "default", name, "resources"))
    if resources:
        _put(made, resources, *path, "resources")
    pod = ("spec", "template", "spec")
    for key in ("nodeSelector", "tolerations"):
        found = objects.get("Deployment", name, *pod, key)
        if found:
            _put(made, found, *path, key)


def _image(reference: object, name: str, registry: str) -> Values:
    """Where the image is from; the tag goes with the chart, so that an upgrade changes it."""
    if not isinstance(reference, str) or not reference:
        return {}
    place, _, last = reference.rpartition("/")
    if "@" in last or last.partition(":")[0] != name:
        return {"fullRef": reference}
    return {} if place == registry else {"registry": place}


def _put_database(made: Values, objects: Objects) -> None:
    source = _yaml(objects.get("ConfigMap", "central-external-db", "data", "central-external-db.yaml"))
    if _at(source, "centralDB", "external") is True:
        _put(made, True, "central", "db", "external")
        _put(made, _at(source, "centralDB", "source"), "central", "db", "source", "connectionString")
    usual = {"central-db": ("central", "100Gi"), "scanner-v4-db": ("scannerV4", "50Gi")}
    for name, (part, size) in usual.items():
        if objects.get("Deployment", name):
            found = _persistence(objects, name, size)
            if found:
                _put(made, found, part, "db", "persistence")


def _persistence(objects: Objects, name: str, size: str) -> Values:
    disk = next((one for one in objects.volumes(name) if one.get("name") == "disk"), {})
    if _at(disk, "hostPath", "path"):
        return {"hostPath": _at(disk, "hostPath", "path")}
    if "emptyDir" in disk:
        return {"none": True}
    claim = _at(disk, "persistentVolumeClaim", "claimName")
    said = {
        "claimName": claim if claim != name else None,
        "size": objects.get("PersistentVolumeClaim", str(claim), "spec", "resources", "requests", "storage"),
        "storageClass": objects.get("PersistentVolumeClaim", str(claim), "spec", "storageClassName"),
    }
    kept = {key: value for key, value in said.items() if value and (key, value) != ("size", size)}
    return {"persistentVolumeClaim": kept} if kept else {}


def _put_configuration(made: Values, objects: Objects, defaults: Values) -> None:
    config = _yaml(objects.get("ConfigMap", "central-config", "data", "central-config.yaml"))
    changed = _beyond(config, _at(defaults, "central", "config"))
    if changed:
        _put(made, changed, "central", "config")
    endpoints = _yaml(objects.get("ConfigMap", "central-endpoints", "data", "endpoints.yaml"))
    if endpoints:
        _put(made, endpoints, "central", "endpointsConfig")
    authorities = objects.secret("additional-ca")
    if authorities:
        # The chart puts a number before each name, and makes the suffix anew.
        names = {re.sub(r"^\d\d-|\.crt$", "", key): text for key, text in authorities.items()}
        _put(made, names, "additionalCAs")
    mounted = {
        str(one.get("name"))
        for one in _list(objects.container("central").get("volumeMounts"))
        if str(one.get("mountPath")).startswith(_DECLARATIVE)
    }
    volumes = [one for one in objects.volumes("central") if str(one.get("name")) in mounted]
    # A name that a ConfigMap and a Secret share is one volume of both.
    parts = [part for one in volumes for part in (one, *_list(_at(one, "projected", "sources")))]
    for kind, field in (("configMaps", "configMap"), ("secrets", "secret")):
        names_of_kind = [str(name) for part in parts if (name := _named(part, field))]
        if names_of_kind:
            _put(made, names_of_kind, "central", "declarativeConfiguration", "mounts", kind)


def _named(part: Mapping[str, Any], field: str) -> object:
    """The object that a volume, or a source of one, is made of; None for another kind."""
    return _at(part, field, "name") or _at(part, field, "secretName")


def _put_exposure(made: Values, objects: Objects) -> None:
    for name in ("central-loadbalancer", "central-nodeport"):
        spec = objects.get("Service", name, "spec")
        port = next(iter(_list(_at(spec, "ports"))), {})
        if _at(spec, "type") == "LoadBalancer":
            said = {
                "enabled": True,
                "ip": _at(spec, "loadBalancerIP"),
                "class": _at(spec, "loadBalancerClass"),
                "port": port.get("port") if port.get("port") != _HTTPS else None,
                "sourceRanges": _at(spec, "loadBalancerSourceRanges"),
            }
            kept = {key: value for key, value in said.items() if value}
            _put(made, kept, "central", "exposure", "loadBalancer")
        elif _at(spec, "type") == "NodePort":
            number = {"port": port["nodePort"]} if port.get("nodePort") else {}
            _put(made, {"enabled": True, **number}, "central", "exposure", "nodePort")
    route = objects.get("Route", "central", "spec")
    if route:
        host = {"host": _at(route, "host")} if _at(route, "host") else {}
        _put(made, {"enabled": True, **host}, "central", "exposure", "route")


def _put_custom(made: Values, objects: Objects, env: Mapping[str, Object]) -> None:
    """As upstream: what Central's Deployment carries is taken for all objects."""
    pod = ("spec", "template", "metadata")
    for key, path in (
        ("labels", ("metadata", "labels")),
        ("annotations", ("metadata", "annotations")),
        ("podLabels", (*pod, "labels")),
        ("podAnnotations", (*pod, "annotations")),
    ):
        found = objects.get("Deployment", "central", *path) or {}
        chosen = {name: value for name, value in found.items() if not _is_own(str(name))}
        if chosen:
            _put(made, chosen, "customize", key)
    variables = {name: one for name, one in env.items() if name not in _OWN_ENV}
    if variables:
        told = {name: one.get("value", one.get("valueFrom", "")) for name, one in variables.items()}
        _put(made, told, "customize", "central", "envVars")


def _is_own(key: str) -> bool:
    return bool(_OWN_KEYS.fullmatch(key)) or key.startswith(("checksum/", "sidecar.istio.io/", "traffic."))


def _yaml(text: object) -> object:
    try:
        return yaml.safe_load(text) if isinstance(text, str) else None
    except (yaml.YAMLError, RecursionError):
        return None


def _beyond(value: object, usual: object) -> Any:
    """What a map says beyond the usual; Helm lays it over the chart's own. Another value stays whole."""
    if not isinstance(value, Mapping) or not isinstance(usual, Mapping):
        return None if value == usual else value
    left = {key: _beyond(one, usual.get(key)) for key, one in value.items()}
    return {key: one for key, one in left.items() if one is not None and one != {}}


def _list(value: object) -> list[Object]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _at(value: object, *path: str) -> Any:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _put(values: Values, value: object, *path: str) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value
