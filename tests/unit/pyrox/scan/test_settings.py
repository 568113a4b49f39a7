"""The scanner's keys: upstream's defaults, its variables and its log levels."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pyrox.errors import Invalid
from pyrox.scan.settings import KEYS, log_level, read


def test_defaults_are_upstreams() -> None:
    values = read(b"", {})
    assert values.keys() == KEYS.keys()
    for part in ("indexer", "matcher"):
        assert values[f"{part}.enable"]
        assert values[f"{part}.database.conn_string"] == "host=/var/run/postgresql"
    assert values["indexer.get_layer_timeout"] == timedelta(minutes=1)
    assert values["indexer.repository_to_cpe_url"].endswith("/repository-to-cpe.json")
    assert values["matcher.vulnerabilities_url"].endswith("/dev/vulnerabilities.zip")


def test_variables_carry_the_scanners_name() -> None:
    values = read(b"matcher: {readiness: database}", {"SCANNER_V4_MATCHER_READINESS": "vulnerability"})
    assert values["matcher.readiness"] == "vulnerability"
    with pytest.raises(Invalid, match="SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT='x'"):
        read(b"", {"SCANNER_V4_INDEXER_GET_LAYER_TIMEOUT": "x"})


@pytest.mark.parametrize("key", ["indexer.databse", "matcher.database.password", "nothing"])
def test_unknown_key_is_refused(key: str) -> None:
    *parts, last = key.split(".")
    text = "".join(f"{part}: {{" for part in parts) + f"{last}: x" + "}" * len(parts)
    with pytest.raises(Invalid, match=f"unknown keys: {key}"):
        read(text.encode(), {})


@pytest.mark.parametrize(("theirs", "ours"), [("trace", "debug"), ("PANIC", "error"), ("warn", "warn")])
def test_log_levels_of_upstream_are_understood(theirs: str, ours: str) -> None:
    assert log_level(theirs) == ours
