"""Release numbers: which are before Scanner V4, and what is less exact."""

from __future__ import annotations

import pytest

from roxctl.errors import CliError
from roxctl.scanner.releases import is_prior_to_scanner_v4, variants


@pytest.mark.parametrize(
    ("version", "prior"),
    [
        ("3.74.0", True),
        ("4.2.9", True),
        ("4.3.99", True),
        ("4.3", True),
        ("4.3.x-12-gabcdef", False),
        ("4.4", False),
        ("4.11.0", False),
        ("5.0.0", False),
        ("3.0.74.1", True),
    ],
)
def test_release_is_before_scanner_v4_or_not(version: str, prior: bool) -> None:
    assert is_prior_to_scanner_v4(version) is prior


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("4.4.1-extra", ["4.4.1-extra", "4.4.1", "4.4"]),
        ("4.4.0", ["4.4.0", "4.4"]),
        ("4.4", ["4.4"]),
        (
            "4.12.x-nightly-20261101",
            ["4.12.x-nightly-20261101", "4.12.x-nightly", "4.12.x", "4.12"],
        ),
    ],
)
def test_variants_begin_with_the_most_exact(version: str, expected: list[str]) -> None:
    assert variants(version) == expected


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("4", "invalid number of components (expected 2-4, got 1)"),
        ("1.2.3.4.5", "invalid number of components (expected 2-4, got 5)"),
        ("v4.4", 'strconv.Atoi: parsing "v4": invalid syntax'),
        ("4.v3.0", 'invalid eng release version ("v3"): strconv.Atoi: parsing "v3": invalid syntax'),
        ("x.1.0", 'invalid marketing major version ("x"): strconv.Atoi: parsing "x": invalid syntax'),
        ("4.4.", "empty patch component"),
    ],
)
def test_other_forms_are_refused(version: str, text: str) -> None:
    with pytest.raises(CliError) as caught:
        variants(version)
    assert str(caught.value) == text
