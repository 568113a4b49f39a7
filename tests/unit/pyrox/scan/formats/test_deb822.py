"""Stanzas of fields as dpkg writes them, and as it does not."""

from __future__ import annotations

import pytest

from pyrox.scan.formats.deb822 import stanzas

FIELDS = frozenset((b"package", b"version"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n\n \n\t\n", []),
        (b"Package: a\nVersion: 1\n", [{b"package": "a", b"version": "1"}]),
        (b"Package: a\n\nPackage: b", [{b"package": "a"}, {b"package": "b"}]),
        (b"PACKAGE:a\nversion :  1  \r\n", [{b"package": "a", b"version": "1"}]),
        (b"Package: a\n continued\n\tand again\nVersion: 1\n", [{b"package": "a", b"version": "1"}]),
        (b"Package: a\nPackage: b\n", [{b"package": "b"}]),
        (b"Version: 1:2:3\n", [{b"version": "1:2:3"}]),
        (b"Other: x\n\nPackage: a\n", [{b"package": "a"}]),
        (b"Package: a\r\n\r\nPackage: b\r\n", [{b"package": "a"}, {b"package": "b"}]),
        (b"Package: \xff\n", [{b"package": "\ufffd"}]),
        (b"Package:\n", [{b"package": ""}]),
    ],
)
def test_fields_that_were_asked_for_by_stanza(data: bytes, expected: list[dict[bytes, str]]) -> None:
    assert list(stanzas(data, FIELDS)) == expected


def test_line_that_is_no_field_is_told_apart() -> None:
    assert list(stanzas(b"Package: a\nno field\n", FIELDS)) == [{b"package": "a", b"": "no field"}]
