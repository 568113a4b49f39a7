from __future__ import annotations

import pytest
import yaml

from services.central.policies.go_yaml import dump


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain words", "plain words"),
        ("", '""'),
        ("true", '"true"'),
        ("No", '"No"'),
        ("y", '"y"'),
        ("null", '"null"'),
        ("~", '"~"'),
        ("7", '"7"'),
        ("7.5", '"7.5"'),
        ("1e3", '"1e3"'),
        ("0o14", '"0o14"'),
        ("0x1F", '"0x1F"'),
        ("1_000", '"1_000"'),
        ("12:30", '"12:30"'),
        ("2030-01-02T03:04:05Z", '"2030-01-02T03:04:05Z"'),
        (">= 7", "'>= 7'"),
        ("a: b", "'a: b'"),
        ("a # b", "'a # b'"),
        ("it's", "it's"),
        ("- x", "'- x'"),
        ("*", "'*'"),
        ("k=v", "k=v"),
        ("tab\there", '"tab\\there"'),
        ("äöü", "äöü"),
        ("word " * 60 + "end", "word " * 60 + "end"),
    ],
)
def test_text_has_gos_quotes(value: str, written: str) -> None:
    assert dump({"key": value}) == f"key: {written}\n"
    assert yaml.safe_load(dump({"key": value})) == {"key": value}


def test_lines_are_a_block_and_lists_are_indented() -> None:
    made = dump({"text": "one\ntwo", "ended": "one\n", "list": [{"a": "1", "b": ["x", "z"]}], "none": []})
    assert made == (
        'text: |-\n  one\n  two\nended: |\n  one\nlist:\n  - a: "1"\n    b:\n      - x\n      - z\nnone: []\n'
    )


def test_value_that_comes_twice_is_written_twice() -> None:
    label = {"key": "app"}
    assert dump({"a": label, "b": label}) == "a:\n  key: app\nb:\n  key: app\n"
