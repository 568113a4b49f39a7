"""Package URLs: the examples of the specification's rules, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.scan.sbom.purl import InvalidPurl, Purl, parse


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie",
            Purl("deb", "curl", "7.50.3-1", "debian", {"arch": "i386", "distro": "jessie"}),
        ),
        ("pkg:npm/%40angular/core@12.3.1", Purl("npm", "core", "12.3.1", "@angular")),
        ("pkg:npm/@angular/core", Purl("npm", "core", "", "@angular")),
        ("pkg:golang/github.com/a/b@v1.0.0#sub/path", Purl("golang", "b", "v1.0.0", "github.com/a")),
        ("PKG:PyPI/django@1.11.1", Purl("pypi", "django", "1.11.1")),
        ("pkg://maven/org.x/y@1", Purl("maven", "y", "1", "org.x")),
        ("pkg:deb/debian/x@1%3A2%2B3?Arch=&b=%20", Purl("deb", "x", "1:2+3", "debian", {"b": " "})),
    ],
)
def test_text_is_taken_apart(text: str, wanted: Purl) -> None:
    assert parse(text) == wanted


@pytest.mark.parametrize("text", ["", "curl", "pkg:", "pkg:npm", "pkg:npm/", "pkg:npm/@", "x" * 5000])
def test_text_without_type_or_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidPurl, match="package URL"):
        parse(text)


def test_text_is_canonical() -> None:
    made = Purl("deb", "g++", "1:2~rc+1", "debian", {"distro": "debian-12", "arch": "amd64", "none": ""})
    assert str(made) == "pkg:deb/debian/g%2B%2B@1:2~rc%2B1?arch=amd64&distro=debian-12"


_PART = st.text(min_size=1, max_size=12).filter(lambda text: text.strip("/") == text and "/" not in text)


@given(name=_PART, version=_PART, namespace=_PART, value=_PART)
def test_parts_come_back(name: str, version: str, namespace: str, value: str) -> None:
    made = Purl("generic", name, version, namespace, {"q": value})
    assert parse(str(made)) == made
