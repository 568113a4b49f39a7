"""The charts' schema: closed, and naming the right key for a misspelt one."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.tools import load_tool

VALUES = """
# -- Where images come from.
image:
  # -- The tag.
  # @schema {"type": ["string", "null"]}
  tag: null
  # -- How many.
  replicas: 2
# -- The user's own.
# @schema {"type": "object", "additionalProperties": {"type": "string"}}
labels: {}
# -- Sizes.
# @schema {"$ref": "#/$defs/resources"}
resources: {}
"""


@pytest.fixture(scope="module")
def tool() -> Any:
    before = list(sys.path)
    module = load_tool("gen_chart_docs")
    sys.path[:] = before
    return module


def written(tool: Any, folder: Path, text: str) -> dict[str, Any]:
    path = folder / "values.yaml"
    path.write_text(text)
    schema: dict[str, Any] = tool.chart_schema.build(tool.chart_values.load(path), title="t")
    return schema


def errors(schema: dict[str, Any], values: dict[str, Any]) -> str:
    validator = jsonschema.validators.Draft202012Validator(schema)
    return " ".join(error.message for error in validator.iter_errors(values))


def test_schema_takes_types_from_defaults_and_comments(tool: Any, tmp_path: Path) -> None:
    schema = written(tool, tmp_path, VALUES)
    assert errors(schema, {"image": {"tag": None, "replicas": 3}, "labels": {"a": "b"}}) == ""
    assert "is not of type 'integer'" in errors(schema, {"image": {"replicas": "three"}})
    assert "is not of type 'string'" in errors(schema, {"labels": {"a": 1}})
    assert schema["properties"]["image"]["properties"]["tag"]["description"] == "The tag."


def test_definitions_are_taken_along_with_what_they_refer_to(tool: Any, tmp_path: Path) -> None:
    schema = written(tool, tmp_path, VALUES)
    assert set(schema["$defs"]) == {"resources", "objects"}
    assert errors(schema, {"resources": {"requests": {"cpu": "1"}}}) == ""


@pytest.mark.parametrize(
    "wrong", ["replica", "replicass", "replicaS", "repliacs", "Replicas", "REPLICAS".lower()[1:], "r3plicas"]
)
def test_near_miss_names_the_key(tool: Any, tmp_path: Path, wrong: str) -> None:
    schema = written(tool, tmp_path, VALUES)
    assert 'did you mean "replicas"?' in errors(schema, {"image": {wrong: 1}})


def test_far_miss_lists_the_keys(tool: Any, tmp_path: Path) -> None:
    assert "'replicas', 'tag'" in errors(written(tool, tmp_path, VALUES), {"image": {"colour": 1}})


@pytest.mark.parametrize(
    "keys", [["sensor", "sensors"], ["db", "tb"], ["a", "b"], ["aa", "a"], ["imagePullSecrets"]]
)
def test_hints_never_take_a_legal_key(tool: Any, keys: list[str]) -> None:
    taken = [key for key in keys for pattern in tool.chart_schema.hints(keys) if re.search(pattern, key)]
    assert taken == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\n", "a: no description"),
        ("# -- A.\na: null\n", "a: null by default; say its type"),
        ("# -- A.\na: {}\n", "a: an object without keys"),
        ("# -- A.\n# @schema {not json}\na: 1\n", "a: @schema is not JSON"),
    ],
)
def test_value_without_description_or_type_is_refused(
    tool: Any, tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(tool.chart_values.Undescribed, match=re.escape(complaint)):
        written(tool, tmp_path, text)
