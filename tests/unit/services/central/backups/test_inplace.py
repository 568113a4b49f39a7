"""The SQL around a load in place: names and digests cannot break out of it."""

from __future__ import annotations

from services.central.backups.inplace import script


def test_script_empties_before_and_checks_after() -> None:
    made = script(schema="public", known={2: "bb", 1: "aa"})
    assert "WHERE n.nspname = 'public'" in made.before
    assert "SET LOCAL lock_timeout = '60s';" in made.before
    assert 'CREATE SCHEMA "public";' in made.before
    assert "DROP" not in made.after
    assert "VALUES (1, 'aa'), (2, 'bb')" in made.after
    assert 'FROM "public".schema_migrations' in made.after


def test_schema_with_quotes_stays_a_name() -> None:
    made = script(schema="o'd\"d", known={1: "a'a"})
    assert "n.nspname = 'o''d\"d'" in made.before
    assert '"o\'d""d".schema_migrations' in made.after
    assert "(1, 'a''a')" in made.after
