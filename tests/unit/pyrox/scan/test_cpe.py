"""CPE names: URIs to formatted strings, and which repositories a name covers."""

from __future__ import annotations

import pytest

from pyrox.scan.cpe import covers, formatted

BASEOS = "cpe:2.3:o:redhat:enterprise_linux:8:*:baseos:*:*:*:*:*"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cpe:/o:redhat:enterprise_linux:8::baseos", BASEOS),
        (BASEOS, BASEOS),
        ("cpe:/a:redhat:logging:5", "cpe:2.3:a:redhat:logging:5:*:*:*:*:*:*:*"),
        ("cpe:/a:redhat:openshift:4.*", "cpe:2.3:a:redhat:openshift:4.*:*:*:*:*:*:*:*"),
        ("cpe:/a:foo%5cbar:big%24money", "cpe:2.3:a:foo\\\\bar:big\\$money:*:*:*:*:*:*:*:*"),
        (
            "cpe:/a:hp:insight:7.4.0.1570::~~online~win2003~x64~",
            "cpe:2.3:a:hp:insight:7.4.0.1570:*:*:*:online:win2003:x64:*",
        ),
        ("cpe:/a:red%3ahat:x:-", "cpe:2.3:a:red\\:hat:x:-:*:*:*:*:*:*:*"),
        ("cpe:/", "cpe:2.3:*:*:*:*:*:*:*:*:*:*:*"),
        ("", ""),
        ("enterprise_linux", ""),
        ("cpe:/x:redhat:a", ""),
        ("cpe:2.3:a:short", ""),
        ("cpe:2.3:" + ":".join("a" * 12), ""),
        ("cpe:/a:" + "b:" * 40, ""),
        ("cpe:/a:" + "b" * 2000, ""),
    ],
)
def test_formatted_name(name: str, expected: str) -> None:
    assert formatted(name) == expected


@pytest.mark.parametrize(
    ("advisory", "repository", "expected"),
    [
        ("cpe:/a:redhat:openshift:4", "cpe:/a:redhat:openshift:4.13::el8", True),
        ("cpe:/a:redhat:openshift:4.1::el8", "cpe:/a:redhat:openshift:4.13::el8", False),
        ("cpe:/o:redhat:enterprise_linux:8", "cpe:/o:redhat:enterprise_linux:8::baseos", True),
        ("cpe:/o:redhat:enterprise_linux:8::baseos", "cpe:/o:redhat:enterprise_linux:8", False),
        ("cpe:/a:redhat:openshift:4.*", "cpe:/a:redhat:openshift:4.13::el8", True),
        ("cpe:/a:redhat:openshift:4.?::el8", "cpe:/a:redhat:openshift:4.1::el8", True),
        ("cpe:/a:redhat:openshift:4.?::el8", "cpe:/a:redhat:openshift:4.13::el8", False),
        ("cpe:/a:redhat:*:9::appstream", "cpe:/a:redhat:enterprise_linux:9::appstream", True),
        ("cpe:/a:redhat::9::appstream", "cpe:/a:redhat:enterprise_linux:9::appstream", True),
        ("cpe:/a:redhat::9::appstream", "cpe:/a:redhat:enterprise_linux:9::crb", False),
        ("cpe:/a:redhat:x:-", "cpe:/a:redhat:x:1", False),
        ("cpe:/a:redhat:x:1::el8", "cpe:/a:redhat:x:-::el8", False),
    ],
)
def test_covers_by_pattern_or_beginning(advisory: str, repository: str, expected: bool) -> None:
    assert covers(formatted(advisory), formatted(repository)) is expected


def test_covers_other_text_only_as_beginning() -> None:
    assert covers("words", "words and more")
    assert not covers("other", "words")
