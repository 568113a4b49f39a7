"""What `central generate` is asked for: flags read, checked, and files behind them opened.

Refusals are in upstream's words where it has them (roxctl/central/generate/validate.go).
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from roxctl.app import App
from roxctl.central.generate import keys
from roxctl.central.generate.flags import DEFAULT_DIRECTORY, Given
from roxctl.errors import BadOption, CliError, quoted

# Upstream's pkg/renderer/auth.go, autogenPasswordLength.
_PASSWORD_LENGTH = 25
_ALPHABET = string.ascii_letters + string.digits
# What bcrypt takes; the bootstrap Job refuses more.
_PASSWORD_BYTES = 72
_OPENSHIFT = (3, 4)
_MAX_SIZE = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Storage:
    """Where Central DB keeps its data."""

    kind: str
    name: str = ""
    storage_class: str = ""
    size: int = 0
    path: str = ""
    node: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that the files depend on."""

    openshift: bool
    storage: Storage
    directory: str
    format: str
    exposure: str
    offline: bool
    telemetry: bool
    monitoring: bool | None
    images: dict[str, str]
    plaintext: str
    config_maps: tuple[str, ...]
    secrets: tuple[str, ...]
    password: str = field(repr=False)
    """Empty when there is no login by password."""
    default_tls: keys.Pair | None = field(repr=False)
    restored: keys.Restored | None = field(repr=False)


def read(
    app: App,
    given: Given,
    *,
    kind: str,
    storage: str,
    choose: Callable[[Sequence[str]], str] = secrets.choice,
) -> Wanted:
    """What the flags ask for. Raises `CliError`."""
    openshift = kind == "openshift"
    if openshift:
        _check_version(given.number("openshift_version", 4))
    directory = given.text("output_dir") or DEFAULT_DIRECTORY
    if Path(directory).exists():
        raise CliError(
            f"directory {quoted(directory)} already exists. Please specify and new path to ensure expected "
            "results"
        )
    _tell_of_istio(app, given)
    return Wanted(
        openshift=openshift,
        storage=_storage(given, storage),
        directory=directory,
        format=given.text("output_format", "kubectl"),
        exposure=given.text("lb_type", "none"),
        offline=bool(given.switch("offline")),
        telemetry=bool(given.switch("enable_telemetry")),
        monitoring=given.switch("openshift_monitoring"),
        images={
            part: given.text(f"{part}_image")
            for part in ("main", "central_db", "scanner_v4", "scanner_v4_db")
            if given.text(f"{part}_image")
        },
        plaintext=given.text("plaintext_endpoints"),
        config_maps=given.names("declarative_config_config_maps"),
        secrets=given.names("declarative_config_secrets"),
        password=_password(app, given, choose),
        default_tls=keys.pair(given.text("default_tls_cert"), given.text("default_tls_key")),
        restored=keys.restored(Path(given.text("backup_bundle"))) if given.text("backup_bundle") else None,
    )


def _check_version(version: int) -> None:
    doing = "determining cluster type"
    # Upstream reads 0, its default, as 4.
    if version not in {0, *_OPENSHIFT}:
        raise CliError(f"{doing}: invalid OpenShift version {version}, supported values are '3' and '4'")
    if version == _OPENSHIFT[0]:
        raise CliError(f"{doing}: the chart does not run on OpenShift 3; give --openshift-version 4")


def _tell_of_istio(app: App, given: Given) -> None:
    if given.text("istio_support"):
        app.console.warn("--istio-support has no effect: all pods ask Istio to leave them out of the mesh.")


def _storage(given: Given, kind: str) -> Storage:
    if kind == "pvc":
        size = given.number("db_size", 100)
        if not 0 < size <= _MAX_SIZE:
            raise BadOption(f"--db-size {size}: give a number of Gi above 0")
        name = given.text("db_name", "central-db")
        return Storage(kind, name=name, storage_class=given.text("db_storage_class"), size=size)
    if kind == "hostpath":
        path = given.text("db_hostpath", "/var/lib/stackrox-central")
        node = given.text("db_node_selector_key"), given.text("db_node_selector_value")
        if not path:
            raise CliError("Non-empty HostPath must be specified")
        if bool(node[0]) != bool(node[1]):
            raise CliError(
                "Both node selector key and node selector value must be specified when using a hostpath"
            )
        return Storage(kind, path=path, node=node)
    return Storage(kind)


def _password(app: App, given: Given, choose: Callable[[Sequence[str]], str]) -> str:
    """The one of `-p`, never that of the environment, which belongs to another Central."""
    said = str(app.flags.get("password", ""))
    if given.switch("disable_admin_password"):
        if said:
            raise BadOption("--password and --disable-admin-password contradict each other; leave one out")
        return ""
    if len(said.encode()) > _PASSWORD_BYTES:
        raise BadOption(f"--password is longer than {_PASSWORD_BYTES} bytes, which bcrypt cannot take")
    return said or "".join(choose(_ALPHABET) for _ in range(_PASSWORD_LENGTH))
