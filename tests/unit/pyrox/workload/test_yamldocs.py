"""YAML files of deployments, friendly and hostile."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.workload.yamldocs import parse

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, creationTimestamp: 2026-11-24T08:00:00Z}\n"


def test_parse_documents_and_lists_give_objects() -> None:
    listed = (
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n"
    )
    found = parse(f"---\n{POD}---\n---\n{listed}")
    assert [item["kind"] for item in found.known] == ["Pod", "Deployment"]
    assert found.known[0]["metadata"] == {"name": "p", "creationTimestamp": "2026-11-24T08:00:00Z"}


def test_parse_custom_resource_is_ignored_by_name() -> None:
    found = parse("apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t, namespace: n}\n")
    assert not found.known
    assert found.ignored == ("n/t[example.com/v1, Kind=Thing]",)


def test_parse_scalar_gives_upstreams_words() -> None:
    with pytest.raises(Invalid) as refused:
        parse("nope")
    assert refused.value.message == (
        "could not parse yaml: couldn't get version/kind; json parse error: "
        "json: cannot unmarshal string into Go value of type "
        'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
        'Kind string "json:\\"kind,omitempty\\"" }'
    )


BAD = {
    "syntax": "a: [",
    "tag": "!!python/object:os.system {}",
    "no kind": "apiVersion: v1",
    "no version": "kind: Pod",
    "deep": "[" * 5000,
    "documents": "---\na: 1\n" * 3000,
    "laughs": "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(8)),
    "cycle": "a: &a [*a]",
    "control characters": "a: \x00",
}


@pytest.mark.parametrize("case", BAD)
def test_parse_bad_text_is_refused(case: str) -> None:
    with pytest.raises(Invalid, match="could not parse yaml: "):
        parse(BAD[case])
