"""`migration_version.yaml`: which release and schema a backup comes from.

The keys are those that upstream's YAML has (`pkg/migrations`), so that its tools read
it; one more says that the schema is ours, since the numbers of the two count different
migrations. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import yaml

from pyrox.version import WIRE_VERSION
from services.central.backups.errors import Refused

DISTRIBUTION = "pyrox"


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """The state of a database."""

    number: int
    """Of the last migration that was applied."""
    persisted: datetime
    image: str = WIRE_VERSION


def render(version: SchemaVersion) -> bytes:
    """The text of the file."""
    content = {
        "image": version.image,
        "database": version.number,
        "mindatabase": 1,
        "lastpersisted": version.persisted,
        "distribution": DISTRIBUTION,
    }
    return yaml.safe_dump(content, sort_keys=False).encode()


def check(content: bytes, newest: int) -> None:
    """Raise `Refused` unless a Central that knows `newest` migrations can take the backup."""
    try:
        read = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Refused("the version of the backup cannot be read: it is no YAML") from error
    if not isinstance(read, dict) or type(read.get("database")) is not int:
        raise Refused("the version of the backup cannot be read: expected the keys image and database")
    # A text alone: an alias of aliases would become gigabytes when written out.
    named = read.get("image")
    image, number = named[:40] if isinstance(named, str) else "", read["database"]
    if read.get("distribution") != DISTRIBUTION:
        raise Refused(
            f'the backup was made by another product (version "{image}", sequence number {number});'
            " only backups of PyRox can be restored"
        )
    if number > newest:
        raise Refused(
            f"Cannot restore databases from higher version {image} (sequence number {number}),"
            f" expect version <= {WIRE_VERSION} and sequence number <= {newest}"
        )
    if number < 1:
        raise Refused(f"the version of the backup cannot be read: sequence number {number}")
