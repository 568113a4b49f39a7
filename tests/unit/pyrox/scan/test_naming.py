"""Which id a report shows, and every id by which somebody may ask."""

from __future__ import annotations

import pytest

from pyrox.scan.advisories.model import Advisory, Alias
from pyrox.scan.naming import cve_of, ids_of, red_hat_advisory, shown_name


def advisory(
    name: str, *, source: str = "osv/pypi", links: str = "", aliases: tuple[str, ...] = ()
) -> Advisory:
    return Advisory(
        source=source, key="k", name=name, links=links, aliases=tuple(Alias("a", alias) for alias in aliases)
    )


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (advisory("GHSA-2222-3333-4444 CVE-2026-0001"), "CVE-2026-0001"),
        (advisory("GHSA-2222-3333-4444"), "GHSA-2222-3333-4444"),
        (advisory("PYSEC-2026-12"), "PYSEC-2026-12"),
        (advisory("x", links="https://e.org/CVE-2026-0002"), "CVE-2026-0002"),
        (advisory("ALAS2-2026-7 CVE-2026-0003", source="aws-AL2-updater"), "ALAS2-2026-7"),
        (advisory("ALAS2-2026-7 CVE-2026-0003"), "CVE-2026-0003"),
        (advisory("something else"), "something else"),
    ],
)
def test_shown_name_is_the_best_id(made: Advisory, shown: str) -> None:
    assert shown_name(made) == shown


def test_ids_are_all_of_name_links_and_aliases_in_capitals() -> None:
    made = advisory(
        "GHSA-2222-3333-4444 CVE-2026-0001", links="https://e.org/CVE-2026-0002 x", aliases=("PYSEC-2026-12",)
    )
    assert set(ids_of(made)) == {"GHSA-2222-3333-4444", "CVE-2026-0001", "CVE-2026-0002", "PYSEC-2026-12"}
    assert ids_of(advisory("rustsec-x")) == ("RUSTSEC-X",)
    assert ids_of(advisory("a name of words")) == ()
    assert ids_of(advisory("x" * 200)) == ()


def test_cve_and_red_hats_advisory() -> None:
    made = advisory("CVE-2026-0001", source="rhel-vex", links="https://access.redhat.com/errata/RHSA-2026:1")
    assert cve_of(made) == "CVE-2026-0001"
    assert red_hat_advisory(made) == ("RHSA-2026:1", "https://access.redhat.com/errata/RHSA-2026:1")
    assert red_hat_advisory(advisory("RHSA-2026:1")) == ("", "")
