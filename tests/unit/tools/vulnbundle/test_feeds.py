"""The table of feeds: every path in it belongs to a parser, and addresses are sane."""

from __future__ import annotations

from datetime import date

import pytest

from pyrox.scan import catalogue
from tools.build_vuln_bundle import wanted
from tools.vulnbundle import feeds

TODAY = date(2026, 11, 24)
ENRICHMENTS = {"epss", "kev", "nvd"}
LISTED = {"rhel-vex", "rhel-csaf", "amazon"}  # what their own lists name


@pytest.mark.parametrize("feed", sorted({*feeds.ADDRESSES, *feeds.WITHOUT_ADDRESS} - LISTED))
def test_files_of_a_feed_are_those_that_a_parser_reads(feed: str) -> None:
    found = list(feeds.files(feed, TODAY))
    assert found
    for file in found:
        readers = [source.name for source in catalogue.sources() if source.accepts(file.path)]
        assert len(readers) == (0 if feed in ENRICHMENTS else 1), file.path


def test_files_with_a_day_or_year_end_today() -> None:
    assert [f.address for f in feeds.files("epss", TODAY)] == ["epss_scores-2026-11-23.csv.gz"]
    assert [f.path for f in feeds.files("oracle", TODAY)][-1] == "oracle/com.oracle.elsa-2026.xml.bz2"
    assert next(f.address for f in feeds.files("nvd", TODAY)) == "nvdcve-2.0-2002.json.gz"
    assert list(feeds.files("unheard", TODAY)) == []


def test_wanted_feeds_with_their_addresses() -> None:
    assert wanted([]) == feeds.ADDRESSES
    assert wanted(["debian", "amazon=https://mirror/al/"]) == {
        "debian": feeds.ADDRESSES["debian"],
        "amazon": "https://mirror/al",
    }


@pytest.mark.parametrize(
    ("name", "message"), [("unheard", "unknown feed 'unheard'"), ("amazon", "has no address of its own")]
)
def test_feed_that_cannot_be_fetched_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wanted([name])
