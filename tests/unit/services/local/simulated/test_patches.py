"""Patch forms of the Kubernetes API."""

from __future__ import annotations

from typing import Any

import pytest

from services.local.simulated import patches


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}}, {"a": 1, "b": {"c": 2, "d": 3}}),
        ({"a": 1}, {"a": None}, {}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
    ],
)
def test_a_merge_patch_follows_its_rfc(target: Any, patch: Any, result: Any) -> None:
    assert patches.merge(target, patch) == result


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        (
            [{"name": "a", "x": 1}, {"name": "b"}],
            [{"name": "a", "y": 2}],
            [{"name": "a", "x": 1, "y": 2}, {"name": "b"}],
        ),
        ([{"name": "a"}, {"name": "b"}], [{"name": "a", "$patch": "delete"}], [{"name": "b"}]),
        ([1, 2], [3], [3]),
        ({"a": 1, "b": 2}, {"a": None, "$setElementOrder/x": []}, {"b": 2}),
        ({"a": 1}, {"$patch": "replace", "b": 2}, {"b": 2}),
    ],
)
def test_a_strategic_patch_merges_named_things(target: Any, patch: Any, result: Any) -> None:
    assert patches.strategic(target, patch) == result
