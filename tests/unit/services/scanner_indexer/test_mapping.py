"""Red Hat's mapping file."""

from __future__ import annotations

import json

import pytest

from pyrox.errors import Unavailable
from services.scanner_indexer.mapping import parse_mapping


def test_mapping_leaves_out_repositories_without_names() -> None:
    body = json.dumps(
        {
            "data": {
                "rhel-8": {"cpes": ["cpe:/o:redhat:enterprise_linux:8"]},
                "empty": {"cpes": []},
                "none": {},
            }
        }
    )
    found = parse_mapping(body.encode(), last_modified="Mon")
    assert (found.modified, found.last_modified) == (True, "Mon")
    assert {name: list(info.cpes) for name, info in found.mapping.items()} == {
        "rhel-8": ["cpe:/o:redhat:enterprise_linux:8"]
    }


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data": []}', b'{"data": {"a": {"cpes": [5]}}}', b'{"data": {"a": 5}}']
)
def test_mapping_of_another_form_is_an_error(body: bytes) -> None:
    with pytest.raises(Unavailable, match="expected form"):
        parse_mapping(body, last_modified="")
