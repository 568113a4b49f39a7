"""The chart's values for what was asked: those that anybody may see, and those with secrets.

Pure; only what differs from the chart's defaults is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from roxctl.central.generate.wanted import Storage, Wanted

Values = dict[str, Any]
# Part of the command line's images to its path in the values.
_IMAGES = {
    "main": ("central", "image"),
    "central_db": ("central", "db", "image"),
    "scanner_v4": ("scannerV4", "image"),
    "scanner_v4_db": ("scannerV4", "db", "image"),
}
_EXPOSURES = {"lb": "loadBalancer", "np": "nodePort", "route": "route"}


def public(wanted: Wanted) -> Values:
    """Everything but secrets."""
    made: Values = {}
    _put(made, 4 if wanted.openshift else False, "env", "openshift")
    _put(made, wanted.telemetry, "central", "telemetry", "enabled")
    if wanted.offline:
        _put(made, True, "env", "offlineMode")
    for part, name in wanted.images.items():
        _put(made, {"fullRef": name}, *_IMAGES[part])
    if wanted.exposure in _EXPOSURES:
        _put(made, True, "central", "exposure", _EXPOSURES[wanted.exposure], "enabled")
    if wanted.monitoring is not None:
        _put(made, wanted.monitoring, "monitoring", "openshift", "enabled")
    if wanted.plaintext:
        _put(made, wanted.plaintext, "customize", "central", "envVars", "ROX_PLAINTEXT_ENDPOINTS")
    mounts = {"configMaps": list(wanted.config_maps), "secrets": list(wanted.secrets)}
    for key, names in mounts.items():
        if names:
            _put(made, names, "central", "declarativeConfiguration", "mounts", key)
    if not wanted.password:
        _put(made, False, "central", "adminPassword", "generate")
    _put_storage(made, wanted.storage)
    return made


def _put_storage(made: Values, storage: Storage) -> None:
    if storage.kind == "pvc":
        claim = {"claimName": storage.name, "size": f"{storage.size}Gi"}
        chosen = {"storageClass": storage.storage_class} if storage.storage_class else {}
        where: Mapping[str, object] = {"persistentVolumeClaim": {**claim, **chosen}}
    elif storage.kind == "hostpath":
        where = {"hostPath": storage.path}
    else:
        where = {"none": True}
    _put(made, where, "central", "db", "persistence")
    if storage.node[0]:
        _put(made, {storage.node[0]: storage.node[1]}, "central", "db", "nodeSelector")
    if storage.kind != "pvc":
        # Who wants no claim for the one may have no storage for the other; this one fills itself anew.
        _put(made, {"none": True}, "scannerV4", "db", "persistence")


def private(wanted: Wanted) -> Values:
    """Secrets alone."""
    made: Values = {}
    if wanted.password:
        _put(made, wanted.password, "central", "adminPassword", "value")
    if wanted.default_tls is not None:
        _put(made, wanted.default_tls.cert, "central", "defaultTLS", "cert")
        _put(made, wanted.default_tls.key, "central", "defaultTLS", "key")
    if wanted.restored is not None:
        old = wanted.restored
        made["ca"] = {"cert": old.ca.cert, "key": old.ca.key}
        _put(made, {"cert": old.central.cert, "key": old.central.key}, "central", "serviceTLS")
        _put(made, old.jwt_key, "central", "jwtSigner", "key")
        if old.database_password:
            _put(made, old.database_password, "central", "db", "password", "value")
    return made


def _put(values: Values, value: object, *path: str) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value
