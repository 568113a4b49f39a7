"""What the chart or the operator says about the cluster, and the id that Central gave it.

Sensor tells Central both in its hello; with a certificate from an init bundle, which
names no cluster, Central finds or makes the cluster by them. It must not know the
stream.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from google.protobuf import json_format

from pyrox import log
from pyrox.errors import Invalid
from pyrox.pb.internalapi.central.hello_pb2 import HelmManagedConfigInit

_LOG = log.get(__name__)
_MAX_BYTES = 1024 * 1024


def load_config(config: Path, name: Path) -> HelmManagedConfigInit | None:
    """The mounted configuration, or None for a cluster that was added by hand.

    Raises `Invalid` naming the file when it cannot be read.
    """
    try:
        raw = config.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as err:
        raise Invalid(f"{config}: {err.strerror}") from err
    if len(raw) > _MAX_BYTES:
        raise Invalid(f"{config}: longer than {_MAX_BYTES} bytes")
    try:
        parsed = yaml.safe_load(raw)
        if not isinstance(parsed, dict):
            raise TypeError("expected a mapping")
        made = json_format.ParseDict(parsed, HelmManagedConfigInit(), ignore_unknown_fields=True)
    except (yaml.YAMLError, json_format.ParseError, TypeError, AttributeError, RecursionError) as err:
        raise Invalid(f"{config}: {str(err)[:300]}") from err
    if not made.cluster_name and name.exists():
        made.cluster_name = _name_in(name)
    return made


def _name_in(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as err:
        raise Invalid(f"{file}: {err}") from err


class ClusterIdFile:
    """The id that Central gave to a cluster whose certificate names none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str:
        """The remembered id, or empty."""
        try:
            return self._path.read_text().strip()[:64]
        except (OSError, UnicodeDecodeError):
            return ""

    def write(self, cluster_id: str) -> None:
        """Remember the id; without a writable directory Central finds the cluster by name again."""
        if self.read() == cluster_id:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_suffix(".new")
            temporary.write_text(cluster_id)
            temporary.replace(self._path)
        except OSError as err:
            _LOG.warning("cluster id not remembered", path=str(self._path), error=str(err))
