"""Queries on labels and annotations."""

from __future__ import annotations

import pytest

from pyrox.policy import mapquery

_MAP = {"app": "web", "env": "Prod", "empty": ""}


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("app=web", True),
        ("APP=WEB", True),
        ("app", True),
        ("app=", True),
        ("=web", True),
        ("app=we", False),
        ("!\tapp=web", False),
        ("!\tapp=x,\t!\tnope=", True),
        ("app=web,\tenv=dev", False),
        ("app=x;\tenv=prod", True),
        ("a=b=c", False),
    ],
)
def test_query_on_map_holds(query: str, fits: bool) -> None:
    assert mapquery.compile_map(query)(_MAP) is fits


def test_required_pairs_hold_only_when_none_is_there() -> None:
    assert not mapquery.compile_map(mapquery.must_lack(["nope=", "app=web"]))(_MAP)
    assert mapquery.compile_map(mapquery.must_lack(["nope=", "app=x"]))(_MAP)


def test_shown_pairs_are_those_that_matched_in_order_of_keys() -> None:
    assert mapquery.compile_map("env=,\tapp=")
    assert mapquery.compile_map("env=,\tapp=").show(_MAP) == "app=web, env=Prod"


def test_shown_pairs_without_a_match_are_the_first_three() -> None:
    assert mapquery.compile_map("!\tx=").show(_MAP) == "app=web, empty=, env=Prod"
    assert mapquery.show_map({}) == "<empty>"
    assert mapquery.show_map({str(at): "v" for at in range(5)}) == "0=v, 1=v, 2=v and 2 more"


def test_shown_values_are_cut_to_64_characters() -> None:
    assert mapquery.show_map({"k": "x" * 70}) == f"k={'x' * 64}"
