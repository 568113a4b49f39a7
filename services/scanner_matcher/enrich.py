"""Enrichments in their stored form: records of NVD, EPSS, KEV and Red Hat by CVE or name.

Used by `bundle`, which writes them, and by `store`, which reads them for the hits of a
scan. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import msgspec

from pyrox.errors import Internal
from pyrox.scan.advisories.enrichment import Enrichments, Epss, Kev, Nvd, RedHatAdvisory
from pyrox.scan.rendering import Text

Record = Nvd | Epss | Kev | RedHatAdvisory
_KINDS: Final[Mapping[str, type[Record]]] = {"nvd": Nvd, "epss": Epss, "kev": Kev, "red_hat": RedHatAdvisory}
_NAMES: Final[Mapping[type[Record], str]] = {made: name for name, made in _KINDS.items()}
# Ids of CVEs and advisories are short; longer ones would not fit into the index.
MAX_KEY: Final = 200


def kind_of(record: Record) -> str:
    """The word under which records of this type are stored."""
    return _NAMES[type(record)]


def key_of(record: Record) -> str:
    """What a record is found by: the CVE, or the advisory's name."""
    return record.name if isinstance(record, RedHatAdvisory) else record.cve


def pack(record: Record) -> bytes:
    """The bytes to store."""
    return msgspec.msgpack.encode(record)


def wanted(texts: Collection[Text]) -> frozenset[str]:
    """The keys of all records that a report with these texts needs."""
    keys = {text.cve for text in texts}
    keys.update([text.red_hat for text in texts])
    return frozenset(keys - {""})


def collect(rows: Iterable[tuple[str, str, bytes]]) -> Enrichments:
    """The records of (kind, key, data) rows; `Internal` when one cannot be read."""
    found: dict[str, dict[str, Record]] = {name: {} for name in _KINDS}
    for kind, key, data in rows:
        try:
            found[kind][key] = msgspec.msgpack.decode(data, type=_KINDS[kind])
        except (KeyError, msgspec.MsgspecError, ValueError) as err:
            raise Internal(f"stored enrichment {kind} {key} cannot be read: {err}") from err
    return Enrichments(**found)  # type: ignore[arg-type]  # each map holds records of its kind only
