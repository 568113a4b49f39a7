"""Checks of requests."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.pb.internalapi.scanner.v4.common_pb2 import Contents
from services.scanner_matcher.validate import check_contents, check_hash_id


@pytest.mark.parametrize(
    "hash_id", ["", "sha256:abc", "/v4/other/x", "/v4/containerimage/" + "x" * 600, "/v4/containerimage/\n"]
)
def test_hash_id_of_another_form_is_refused(hash_id: str) -> None:
    with pytest.raises(Invalid, match="invalid hash id"):
        check_hash_id(hash_id)


def test_contents_in_either_form_are_accepted() -> None:
    contents = Contents()
    contents.packagesDEPRECATED.add(id="1", cpe="cpe:2.3:*:*:*:*:*:*:*:*:*:*:*").source.id = "2"
    check_contents(contents)
    contents.packages["1"].id = "1"
    contents.repositories["1"].id, contents.repositories["1"].cpe = "1", "cpe:/o:redhat:enterprise_linux:8"
    check_contents(contents)
    check_contents(Contents())


def test_contents_with_a_broken_element_name_it() -> None:
    contents = Contents()
    contents.packagesDEPRECATED.add(name="x")
    with pytest.raises(Invalid, match=r"Contents\.packages element #1: id is empty"):
        check_contents(contents)
    contents.packagesDEPRECATED[0].id = "7"
    contents.packagesDEPRECATED[0].source.source.SetInParent()
    with pytest.raises(Invalid, match="element '7': its source has a source"):
        check_contents(contents)
    other = Contents()
    other.distributions["1"].id, other.distributions["1"].cpe = "1", "x"
    with pytest.raises(Invalid, match=r"Contents\.distributions element '1': CPE 'x'"):
        check_contents(other)
