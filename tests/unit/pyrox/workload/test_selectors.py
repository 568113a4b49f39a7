"""Label selectors."""

from __future__ import annotations

import pytest

from pyrox.workload.selectors import matches, matches_map, to_selector

CASES = {
    "empty selects all": ({}, {}, True),
    "equal": ({"matchLabels": {"a": "1"}}, {"a": "1"}, True),
    "different": ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
    "in": ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {"a": "1"}, True),
    "in missing": ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1"]}]}, {}, False),
    "not in missing": ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
    "not in": ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {"a": "1"}, False),
    "exists": ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
    "does not exist": ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
    "unknown operator": ({"matchExpressions": [{"key": "a", "operator": "Like"}]}, {"a": ""}, False),
}


@pytest.mark.parametrize("case", CASES)
def test_matches_selector(case: str) -> None:
    selector, labels, expected = CASES[case]
    assert matches(to_selector(selector), labels) is expected


def test_matches_map_empty_selects_nothing() -> None:
    assert not matches_map({}, {"a": "1"})
    assert matches_map({"a": "1"}, {"a": "1", "b": "2"})
