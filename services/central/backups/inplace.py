"""The SQL around a dump that is loaded into the active database itself.

Used where no second database can be made: with the user's own server, or with an account
that may not create databases. All of it runs in the load's one transaction. Pure.
"""
# ruff: noqa: S608 - the schema is quoted, numbers and digests are the code's own

from __future__ import annotations

from collections.abc import Mapping

from services.central.backups.load import Script

# How long to wait for requests that still use the tables.
_LOCK_SECONDS = 60


def script(*, schema: str, known: Mapping[int, str]) -> Script:
    """Empty the schema first, so that nothing newer than the backup stays; check it afterwards."""
    return Script(before=_emptying(schema), after=_checking(schema, known))


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _emptying(schema: str) -> str:
    """Drop all tables, views and sequences of the schema that no extension owns.

    Central's own connections are ended first: a request that waits for the second of two
    tables while it holds the first would be a deadlock. Sequences come last, since most
    go with the table that owns them.
    """
    quoted = _identifier(schema)
    return f"""\
SET LOCAL lock_timeout = '{_LOCK_SECONDS}s';
DO $emptying$
DECLARE
    found record;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid();
    FOR found IN
        SELECT n.nspname, c.relname,
            CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END AS kind
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = {_literal(schema)} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
            AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY c.relkind = 'S', c.oid
    LOOP
        EXECUTE format('DROP %s IF EXISTS %I.%I CASCADE', found.kind, found.nspname, found.relname);
    END LOOP;
    -- A dump does not make the schema that every database has.
    IF to_regnamespace({_literal(quoted)}) IS NULL THEN
        CREATE SCHEMA {quoted};
    END IF;
END
$emptying$;
"""


def _checking(schema: str, known: Mapping[int, str]) -> str:
    values = ", ".join(f"({number}, {_literal(digest)})" for number, digest in sorted(known.items()))
    quoted = _identifier(schema)
    return f"""\
DO $checking$
BEGIN
    IF NOT EXISTS (SELECT FROM {quoted}.schema_migrations) THEN
        RAISE EXCEPTION 'the backup holds no database of Central';
    END IF;
    IF EXISTS (
        SELECT FROM {quoted}.schema_migrations AS s
        LEFT JOIN (VALUES {values}) AS k (number, sha256) ON k.number = s.number
        WHERE k.sha256 IS DISTINCT FROM s.sha256
    ) THEN
        RAISE EXCEPTION 'a migration of the backup is not one that this release knows';
    END IF;
END
$checking$;
"""
