"""The flags of `roxctl central generate`, on whichever of its three words they stand.

Upstream lets a flag stand before or after the words that follow it (`generate k8s
--offline pvc`, `generate k8s pvc --offline`), so every level declares them and keeps what
was given in one place, which `Given` reads. Names and defaults are upstream's
(roxctl/central/generate).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from roxctl.cli import GoInteger, Switch, bad_value
from roxctl.errors import quoted

FORMATS = ("kubectl", "helm", "helm-values")
DEFAULT_DIRECTORY = "central-bundle"
_KEPT = "roxctl.central.generate"
_IMAGES = {
    "--central-db-image": "Image of Central DB.",
    "--scanner-v4-image": "Image of Scanner V4.",
    "--scanner-v4-db-image": "Image of Scanner V4's database.",
}
_WITHOUT_EFFECT = ("--image-defaults", "--scanner-image", "--scanner-db-image")


class Given:
    """What was on the command line."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        self._kept = kept

    @classmethod
    def of(cls, ctx: click.Context) -> Given:
        """Of this run."""
        return cls(ctx.meta.get(_KEPT, {}))

    def text(self, flag: str, default: str = "") -> str:
        """A text."""
        return str(self._kept.get(flag, default))

    def number(self, flag: str, default: int) -> int:
        """A whole number."""
        return int(self._kept.get(flag, default))

    def switch(self, flag: str) -> bool | None:
        """Yes or no; nothing when nobody said."""
        return self._kept.get(flag)

    def names(self, flag: str) -> tuple[str, ...]:
        """Several texts: the flag repeated, or with commas."""
        given: tuple[str, ...] = self._kept.get(flag, ())
        return tuple(dict.fromkeys(name for part in given for name in part.split(",") if name))


class _Format(click.ParamType[str]):
    """One of `FORMATS` as upstream reads them: in any case, with `-` or `_`."""

    name = "output format"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002 - click's form
        """The format's name."""
        found = str(value).lower().replace("_", "-")
        if found not in FORMATS:
            raise bad_value(param, str(value), f"{quoted(str(value))} is not a valid option")
        return found


class _Exposure(click.ParamType[str]):
    """How Central is exposed."""

    name = "load balancer type"

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002 - click's form
        """The kind in lower case."""
        found = str(value).lower()
        if found not in self.choices:
            raise bad_value(param, str(value), f"invalid load balancer type: {quoted(str(value))}")
        return found


def common() -> list[click.Option]:
    """Flags of all kinds of clusters; `--password` is everybody's."""
    return [
        _text("--default-tls-cert", "File with the certificate chain (PEM) that users see."),
        _text("--default-tls-key", "File with its private key (PEM)."),
        _text("--backup-bundle", "Backup whose CA, keys and database password are taken over."),
        _switch("--disable-admin-password", "No login by password; needs another way to log in."),
        _text("--plaintext-endpoints", "Ports or endpoints without TLS, with commas."),
        _switch("--enable-pod-security-policies", hidden=True),
    ]


def kubernetes() -> list[click.Option]:
    """All flags for Kubernetes."""
    return [*common(), *_orchestrator("lb", "np", "none")]


def openshift() -> list[click.Option]:
    """All flags for OpenShift."""
    return [
        *common(),
        *_orchestrator("route", "lb", "np", "none"),
        _number("--openshift-version", "Major version; 4."),
        _switch("--openshift-monitoring", "Use OpenShift's monitoring; by default if there is any."),
    ]


def claim() -> list[click.Option]:
    """Flags of `pvc`."""
    return [
        _text("--db-name", "Name of the claim of Central DB; central-db by default."),
        _text("--db-storage-class", "Its storage class; the cluster's by default."),
        _number("--db-size", "Its size in Gi; 100 by default."),
    ]


def host_path() -> list[click.Option]:
    """Flags of `hostpath`."""
    return [
        _text("--db-hostpath", "Directory of the node for Central DB; /var/lib/stackrox-central by default."),
        _text("--db-node-selector-key", "Label of that node, such as kubernetes.io/hostname."),
        _text("--db-node-selector-value", "Value of the label."),
    ]


def _orchestrator(*exposures: str) -> Iterator[click.Option]:
    yield _text("--output-dir", f"Directory for the files, a new one; {DEFAULT_DIRECTORY} by default.")
    yield _option("--output-format", type=_Format(), help=f"What installs: {', '.join(FORMATS)}.")
    kinds = ", ".join(exposures)
    yield _option("--lb-type", type=_Exposure(*exposures), help=f"How Central is exposed: {kinds}.")
    yield _switch("--offline", "Never reach out to the Internet.")
    yield _switch("--enable-telemetry", "Taken for upstream's sake: nothing is sent.")
    yield _option("-i", "--main-image", help="Image of Central.")
    for name, about in _IMAGES.items():
        yield _text(name, about)
    yield _text("--istio-support", "Version of Istio. Without effect: pods stay out of the mesh.")
    yield _option("--declarative-config-config-maps", multiple=True,
                  help="ConfigMaps with declarative configuration.")  # fmt: skip
    yield _option("--declarative-config-secrets", multiple=True,
                  help="Secrets with declarative configuration.")  # fmt: skip
    for name in _WITHOUT_EFFECT:
        yield _option(name, hidden=True)


def _text(name: str, about: str) -> click.Option:
    return _option(name, help=about)


def _number(name: str, about: str) -> click.Option:
    return _option(name, type=GoInteger(), help=about)


def _switch(name: str, about: str = "", *, hidden: bool = False) -> click.Option:
    return Switch([name], expose_value=False, callback=_keep, help=about, hidden=hidden)


def _option(*names: str, **more: Any) -> click.Option:
    return click.Option(list(names), expose_value=False, callback=_keep, **more)


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """A later word of the command line wins."""
    if ctx.get_parameter_source(param.name or "") is click.core.ParameterSource.COMMANDLINE:
        ctx.meta.setdefault(_KEPT, {})[param.name] = value
    return value
