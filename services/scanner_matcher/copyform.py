"""PostgreSQL's binary COPY form of ranges and texts.

Pure. A worker process writes it to files, the loader sends the files to the database
as they are. Texts lose zero characters, which PostgreSQL cannot hold. No row says whose
it is: the table that it is copied into does, so that the same files serve any database.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pyrox.scan import naming
from pyrox.scan.advisories.model import HIGHEST, Advisory, AdvisoryRow

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
RANGE_COLUMNS = (
    "advisory", "namespace", "package", "kind", "scheme", "lo", "hi", "introduced", "fixed_in",
    "last_affected", "fallback", "not_affected", "arch", "module", "cpe", "fingerprint",
)  # fmt: skip
TEXT_COLUMNS = (
    "advisory", "updater", "name", "description", "issued", "links", "severity", "normalized", "aliases",
    "ids",
)  # fmt: skip
ENRICHMENT_COLUMNS = ("kind", "key", "data")
COLUMNS: Mapping[str, Sequence[str]] = {
    "vuln_range": RANGE_COLUMNS,
    "vuln_text": TEXT_COLUMNS,
    "vuln_enrichment": ENRICHMENT_COLUMNS,
}
_NULL = struct.pack("!i", -1)
_TEXT_OID = 25
_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# A B-tree entry may have 2,704 bytes; what is longer is left to the exact comparator.
_MAX_INDEXED = 2000
_FINGERPRINT_BYTES = 16
_TRUE = struct.pack("!i?", 1, True)
_FALSE = struct.pack("!i?", 1, False)


def _text(value: str) -> bytes:
    data = value.replace("\0", "").encode("utf-8", "replace")
    return struct.pack("!i", len(data)) + data


def _bytes(value: bytes) -> bytes:
    return struct.pack("!i", len(value)) + value


def _int(value: int) -> bytes:
    return struct.pack("!ii", 4, value)


def _moment(value: datetime | None) -> bytes:
    if value is None:
        return _NULL
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    delta = aware - _POSTGRES_EPOCH
    return struct.pack("!iq", 8, (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds)


def _texts(values: Sequence[str]) -> bytes:
    if not values:
        return _bytes(struct.pack("!iii", 0, 0, _TEXT_OID))
    head = struct.pack("!iiiii", 1, 0, _TEXT_OID, len(values), 1)
    return _bytes(head + b"".join(_text(value) for value in values))


def text_digest(advisory: Advisory) -> bytes:
    """Tells texts apart: any field that a report shows makes another digest."""
    parts = (
        advisory.source,
        advisory.name,
        advisory.description,
        advisory.issued.isoformat() if advisory.issued else "",
        advisory.links,
        advisory.severity,
        str(int(advisory.normalized)),
        *(f"{alias.space}:{alias.name}" for alias in advisory.aliases),
    )
    whole = "\0".join(parts).encode("utf-8", "replace")
    return hashlib.blake2b(whole, digest_size=_FINGERPRINT_BYTES).digest()


def range_fields(digest: bytes, row: AdvisoryRow) -> tuple[bytes, bytes]:
    """A row of `vuln_range` without the advisory's number, and its place among the rows.

    `digest` is that of the advisory's text. The place is that in the index, so that rows which
    are asked for together can lie together.
    """
    lo, hi, fallback = row.lo, row.hi, row.fallback
    if len(lo) + len(hi) + len(row.namespace) + len(row.package) * 4 > _MAX_INDEXED:
        lo, hi, fallback = b"", HIGHEST, True
    fields = b"".join(
        (
            _text(row.namespace),
            _text(row.package),
            _text(row.kind),
            _text(row.scheme),
            _bytes(lo),
            _bytes(hi),
            _text(row.introduced),
            _text(row.fixed_in),
            _text(row.last_affected),
            _TRUE if fallback else _FALSE,
            _TRUE if row.not_affected else _FALSE,
            _text(row.arch),
            _text(row.module),
            _text(row.cpe),
        )
    )
    # The number of an advisory is a load's own, so it is no part of the fingerprint.
    fingerprint = hashlib.blake2b(fields, digest_size=_FINGERPRINT_BYTES, key=digest).digest()
    place = f"{row.namespace}\0{row.package}\0".encode("utf-8", "replace") + hi
    return place, fields + _bytes(fingerprint)


def range_tuple(advisory: int, fields: bytes) -> bytes:
    """One row of `vuln_range`."""
    return b"".join((_RANGE_HEAD, _int(advisory), fields))


_RANGE_HEAD = struct.pack("!h", len(RANGE_COLUMNS))


def text_tuple(number: int, fields: bytes) -> bytes:
    """One row of `vuln_text`."""
    return b"".join((_TEXT_HEAD, _int(number), fields))


_TEXT_HEAD = struct.pack("!h", len(TEXT_COLUMNS))


def text_fields(advisory: Advisory) -> bytes:
    """A row of `vuln_text` without the advisory's number."""
    return b"".join(
        (
            _text(advisory.source),
            _text(advisory.name),
            _text(advisory.description),
            _moment(advisory.issued),
            _text(advisory.links),
            _text(advisory.severity),
            struct.pack("!ih", 2, int(advisory.normalized)),
            _texts([f"{alias.space}:{alias.name}" for alias in advisory.aliases]),
            _texts(naming.ids_of(advisory)),
        )
    )


def enrichment_tuple(kind: str, key: str, data: bytes) -> bytes:
    """One row of `vuln_enrichment`."""
    head = struct.pack("!h", len(ENRICHMENT_COLUMNS))
    return b"".join((head, _text(kind), _text(key), _bytes(data)))
