"""What the advisories said before: rows that went, and when those that are there came.

`loader` calls it after each exchange, while the rows that went are still a table of their
own; `store` asks the tables it fills for scans as of a date. The times are those of the
bundles, so that two installations with the same bundles give the same answer.
"""

from __future__ import annotations

from pyrox.pg.pool import Pool, Transaction

_ROW = """
namespace, package, kind, scheme, lo, hi, introduced, fixed_in, last_affected, fallback, not_affected,
arch, module, cpe
"""
_TEXT = "updater, name, description, issued, links, severity, normalized, aliases"
_PENDING = """
SELECT s.undiffed, s.updated, s.made_by, s.first_loaded FROM vuln_source AS s
WHERE s.id = $1 AND s.undiffed IS NOT NULL FOR UPDATE
"""
_ATTACHED = """
SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'vuln_range'::regclass AND c.relname ~ $1
"""
_SETTLED = "UPDATE vuln_source SET undiffed = NULL WHERE id = $1"
_GONE = """
DELETE FROM vuln_begun AS b WHERE b.source = $1
  AND NOT EXISTS (SELECT FROM {new} AS n WHERE n.fingerprint = b.fingerprint)
"""
_CAME = """
INSERT INTO vuln_begun (source, fingerprint, begun)
SELECT DISTINCT $1::integer, n.fingerprint, $2::timestamptz FROM {new} AS n
WHERE NOT EXISTS (SELECT FROM {old} AS o WHERE o.fingerprint = n.fingerprint)
ON CONFLICT DO NOTHING
"""
_END_ALL = "SELECT updated, made_by, first_loaded FROM vuln_source WHERE id = $1"
# The planner's guess about two tables of millions of rows must not become a nested loop.
_PLAN = "SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off"


def _ended(rows: str, texts: str, kept: str) -> str:
    """Statement that writes down the rows of one table that are not in another."""
    columns = ", ".join(f"o.{name.strip()}" for name in _ROW.split(","))
    words = ", ".join(f"t.{name.strip()}" for name in _TEXT.split(","))
    return f"""
INSERT INTO vuln_ended (source, begun, ended, made_by, {_ROW}, {_TEXT})
SELECT $1::integer, coalesce(b.begun, $3::timestamptz), $2::timestamptz, $4::text, {columns}, {words}
FROM {rows} AS o JOIN {texts} AS t ON t.source = o.source AND t.advisory = o.advisory
LEFT JOIN vuln_begun AS b ON b.source = o.source AND b.fingerprint = o.fingerprint
WHERE o.source = $1 {kept}
"""  # noqa: S608 - names that this module and the loader made


class History:
    """Writes the changes of a source down."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def record(self, source: int) -> None:
        """Compare the rows of the last exchange with those that they replaced, if that is not done yet.

        All or nothing: a Matcher that is killed leaves it to the next one.
        """
        async with self._pool.transaction() as transaction:
            pending = await transaction.fetchrow(_PENDING, source)
            if pending is None:
                return
            old = f"vuln_range_{source}_{pending['undiffed']}"
            texts = f"vuln_text_{source}_{pending['undiffed']}"
            new = await transaction.fetchval(_ATTACHED, f"^vuln_range_{source}_[0-9]+$")
            await transaction.script(_PLAN)
            kept = f"AND NOT EXISTS (SELECT FROM {new} AS n WHERE n.fingerprint = o.fingerprint)"
            at, first = pending["updated"], pending["first_loaded"]
            await transaction.execute(_ended(old, texts, kept), source, at, first, pending["made_by"])
            await transaction.execute(_GONE.format(new=new), source)
            await transaction.execute(_CAME.format(new=new, old=old), source, at)
            await transaction.execute(_SETTLED, source)

    async def end(self, transaction: Transaction, source: int) -> None:
        """All rows of a source end, since it is not published any more."""
        state = await transaction.fetchrow(_END_ALL, source)
        if state is None or state["first_loaded"] is None:
            return
        statement = _ended("vuln_range", "vuln_text", "")
        # It was good until now; its bundle says nothing about its end.
        now = await transaction.fetchval("SELECT now()")
        await transaction.execute(statement, source, now, state["first_loaded"], state["made_by"])
        await transaction.execute("DELETE FROM vuln_begun WHERE source = $1", source)
