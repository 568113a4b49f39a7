"""Which process the `scanner` command becomes."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from services.scanner import chosen


@pytest.mark.parametrize(
    ("raw", "environment", "name"),
    [
        (b"matcher: {enable: false}", {}, "scanner_indexer"),
        (b"indexer: {enable: false}", {}, "scanner_matcher"),
        (
            b"indexer: {enable: true}\nmatcher: {enable: true}",
            {"SCANNER_V4_INDEXER_ENABLE": "false"},
            "scanner_matcher",
        ),
    ],
)
def test_configuration_chooses_the_process(raw: bytes, environment: dict[str, str], name: str) -> None:
    assert chosen(raw, environment) == name


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "enable one of"),
        (b"indexer: {enable: false}\nmatcher: {enable: false}", "enable one of"),
        (b"indexer: {enable: perhaps}", "indexer.enable='perhaps'"),
        (b"a: [", "not YAML"),
        (b"indexer: {enable: false}\nnothing: 1", "unknown keys: nothing"),
    ],
)
def test_configuration_that_chooses_none_or_both_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        chosen(raw, {})
