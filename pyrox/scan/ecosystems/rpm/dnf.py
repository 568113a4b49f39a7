"""Reads from dnf's history which repository each installed package came from.

`content` calls it. dnf 4 and dnf 5 keep the same facts in slightly different tables; the
rules are claircore's (internal/dnf): the last transaction of a package that is no removal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

from pyrox.scan.formats import sqlitefile
from pyrox.scan.model import Origin

# libdnf5/transaction/db/db.cpp and libdnf/transaction/Swdb.hpp; the newer one counts where both are.
PATHS: Final = ("usr/lib/sysimage/libdnf5/transaction_history.sqlite", "var/lib/dnf/history.sqlite")
_NEEDED: Final = frozenset(("trans_item", "repo", "rpm"))
_NEWER: Final = frozenset(("config", "trans_item_action", "pkg_name", "arch"))
_DNF4: Final = """
SELECT t.item_id, p.repoid, r.name, r.epoch, r.version, r.release, r.arch
FROM trans_item AS t JOIN repo AS p ON p.id = t.repo_id LEFT JOIN rpm AS r ON r.item_id = t.item_id
WHERE t.action <> 8 ORDER BY t.id
"""
_DNF5: Final = """
SELECT t.item_id, p.repoid, n.name, r.epoch, r.version, r.release, a.name
FROM trans_item AS t
JOIN trans_item_action AS c ON c.id = t.action_id
JOIN repo AS p ON p.id = t.repo_id
LEFT JOIN rpm AS r ON r.item_id = t.item_id
LEFT JOIN pkg_name AS n ON n.id = r.name_id
LEFT JOIN arch AS a ON a.id = r.arch_id
WHERE c.name <> 'Remove' ORDER BY t.id
"""
_MAX_TEXT: Final = 1024


@dataclass(frozen=True, slots=True)
class History:
    """All repositories that something was installed from, and those of each package."""

    repoids: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()


def read(data: BinaryIO, limit: int) -> History:
    """The history, at most `limit` packages of it.

    Raises:
        pyrox.scan.formats.sqlitefile.BrokenSqlite: the file is no such database.
    """
    last: dict[object, tuple[object, ...]] = {}
    with sqlitefile.reading(data, _NEEDED) as connection:
        newer = sqlitefile.tables(connection) >= _NEWER
        for item, *row in connection.execute(_DNF5 if newer else _DNF4):
            if item in last or len(last) < limit:
                last[item] = tuple(row)
    repoids = {row[0] for row in last.values() if isinstance(row[0], str) and len(row[0]) <= _MAX_TEXT}
    origins = [origin for row in last.values() if (origin := _origin(row)) is not None]
    return History(tuple(sorted(repoids)), tuple(origins))


def _origin(row: tuple[object, ...]) -> Origin | None:
    """The package as the rpm database prints it; None for groups and for values of other types."""
    repoid, name, epoch, version, release, arch = row
    texts = [value for value in (repoid, name, version, release, arch) if isinstance(value, str)]
    if len(texts) < 5 or max(map(len, texts)) > _MAX_TEXT:
        return None
    evr = f"{version}-{release}"
    return Origin(texts[1], f"{epoch}:{evr}" if epoch else evr, texts[4], texts[0])
