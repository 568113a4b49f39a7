"""Bootstrap's settings: read from flags and environment once, checked before anything is made.

The two charts call it from hook Jobs, one with `central`, one with `secured`. It must
not open anything.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyrox import env
from pyrox.env import Setting
from pyrox.errors import Invalid
from services.bootstrap.wanted import CENTRAL, SECURED, Wanted

NAMESPACE = Setting("POD_NAMESPACE", env.text, "stackrox", "namespace of the secrets")
KUBECONFIG = Setting("KUBECONFIG", env.text, "", "kubeconfig; without it the pod's account is used")
LOG_LEVEL = Setting("LOGLEVEL", env.text, "info", "least severe log lines that are written")

_CHARTS = {"central": "stackrox-central-services", "secured": "stackrox-secured-cluster-services"}
_SECRETS: Mapping[str, tuple[Wanted, ...]] = {"central": CENTRAL, "secured": SECURED}


@dataclass(frozen=True, slots=True)
class Release:
    """The installation that the secrets belong to, for their labels."""

    part_of: str
    name: str = ""
    chart: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a run needs to know."""

    namespace: str
    wanted: tuple[Wanted, ...]
    ca_secret: str
    """The secret whose CA issues; empty where none is named."""
    renew: bool
    admin_password: Path | None
    """File with the first password of `admin`; without it one is drawn."""
    webhook: str
    """The ValidatingWebhookConfiguration whose caBundle is set; empty for none."""
    release: Release
    kubeconfig: Path | None
    dry_run: bool
    log_level: str


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="bootstrap", description="make the secrets that an installation lacks; never overwrite one"
    )
    commands = made.add_subparsers(dest="command", required=True)
    central = commands.add_parser("central", help="CA, certificates and passwords of Central and its scanner")
    secured = commands.add_parser(
        "secured", help="what a secured cluster needs beside its init bundle or CRS"
    )
    for command, secrets in ((central, CENTRAL), (secured, SECURED)):
        names = [one.name for one in secrets]
        groups = sorted({one.group for one in secrets if one.group})
        _add_shared(command, names, groups)
    central.add_argument("--ca-secret", default="central-tls", help="secret with ca.pem and ca-key.pem")
    central.add_argument(
        "--renew",
        action="store_true",
        help="replace certificates of this CA that are past half of their life",
    )
    central.add_argument(
        "--admin-password-file", type=Path, default=None, help="file with the first password of admin"
    )
    secured.add_argument(
        "--ca-secret", default="", help="secret with ca.pem that is asked before the usual ones"
    )
    secured.add_argument(
        "--webhook", default="", help="ValidatingWebhookConfiguration whose caBundle is set to the CA"
    )
    return made


def _add_shared(command: argparse.ArgumentParser, names: Sequence[str], groups: Sequence[str]) -> None:
    command.add_argument("--namespace", default="", help="namespace of the secrets (default: POD_NAMESPACE)")
    command.add_argument(
        "--secret",
        action="append",
        choices=names,
        default=[],
        metavar="NAME",
        help=f"a secret to make; may be repeated (default: all of {', '.join(names)})",
    )
    command.add_argument(
        "--without",
        action="append",
        choices=[*groups, *names],
        default=[],
        metavar="NAME",
        help=f"a part ({', '.join(groups)}) or secret to leave out; may be repeated",
    )
    command.add_argument("--release", default="", help="name of the Helm release, for labels")
    command.add_argument("--chart", default="", help="chart and version, for the label helm.sh/chart")
    command.add_argument("--app-version", default="", help="version of the product, for labels")
    command.add_argument("--dry-run", action="store_true", help="only say what would be made")


def load(arguments: Sequence[str], environment: Mapping[str, str]) -> Config:
    """The configuration. Raises `Invalid` that names the setting at fault."""
    flags = parser().parse_args(arguments)
    kubeconfig = KUBECONFIG.read(environment)
    namespace = flags.namespace or NAMESPACE.read(environment)
    if not namespace.replace("-", "").isalnum():
        raise Invalid(f"--namespace {namespace!r}: not the name of a namespace")
    return Config(
        namespace=namespace,
        wanted=_wanted(_SECRETS[flags.command], flags.secret, frozenset(flags.without)),
        ca_secret=flags.ca_secret,
        renew=getattr(flags, "renew", False),
        admin_password=getattr(flags, "admin_password_file", None),
        webhook=getattr(flags, "webhook", ""),
        release=Release(_CHARTS[flags.command], flags.release, flags.chart, flags.app_version),
        kubeconfig=Path(kubeconfig) if kubeconfig else None,
        dry_run=flags.dry_run,
        log_level=LOG_LEVEL.read(environment),
    )


def _wanted(known: Sequence[Wanted], only: Sequence[str], without: frozenset[str]) -> tuple[Wanted, ...]:
    return tuple(
        one for one in known if (not only or one.name in only) and not {one.name, one.group} & without
    )
