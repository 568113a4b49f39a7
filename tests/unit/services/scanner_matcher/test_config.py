"""The Matcher's configuration."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from services.scanner_matcher.config import bundle_urls, load


def test_defaults_are_upstreams() -> None:
    config = load(None, {})
    assert config.readiness == "database"
    assert config.indexer_addr == ""
    assert config.allowed_bundles == ()
    assert config.vulnerabilities_urls[0].endswith("/v4/vulnerability-bundles/dev/vulnerabilities.zip")


def test_settings_of_the_environment_win() -> None:
    config = load(
        None,
        {
            "SCANNER_V4_MATCHER_READINESS": "vulnerability",
            "SCANNER_V4_MATCHER_VULN_BUNDLE_ALLOWLIST": "debian, osv",
            "SCANNER_V4_MATCHER_INDEXER_ADDR": "scanner-v4-indexer.stackrox.svc:8443",
        },
    )
    assert (config.readiness, config.allowed_bundles) == ("vulnerability", ("debian", "osv"))
    assert config.indexer_addr == "scanner-v4-indexer.stackrox.svc:8443"


def test_unknown_readiness_is_refused() -> None:
    with pytest.raises(Invalid, match=r"matcher\.readiness='soon'"):
        load(None, {"SCANNER_V4_MATCHER_READINESS": "soon"})


@pytest.mark.parametrize(
    ("template", "version", "candidate", "wanted"),
    [
        ("https://c/x?version=ROX_VULNERABILITY_VERSION", "", False, ("https://c/x?version=v3",)),
        ("https://d/ROX_VERSION/v.zip", "", False, ("https://d/4.11.0/v.zip",)),
        ("https://d/ROX_VERSION/v.zip", "", True, ("https://d/4.11.0-rc/v.zip", "https://d/4.11.0/v.zip")),
        ("https://d/ROX_VERSION/v.zip", "dev", False, ("https://d/dev/v.zip",)),
        ("https://d/plain.zip", "", True, ("https://d/plain.zip",)),
    ],
)
def test_placeholders_of_the_address_are_filled(
    template: str, version: str, wanted: tuple[str, ...], *, candidate: bool
) -> None:
    assert bundle_urls(template, version, candidate=candidate) == wanted
