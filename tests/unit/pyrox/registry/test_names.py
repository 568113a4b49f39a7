"""Strict image references."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.registry.names import Reference, api_host, parse_image_url, parse_reference

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("quay.io/team/app:1", Reference("quay.io", "team/app", "1")),
        (f"localhost:5000/app@{DIGEST}", Reference("localhost:5000", "app", "", DIGEST)),
        (f"r.example/a/b/c_d:v1@{DIGEST}", Reference("r.example", "a/b/c_d", "v1", DIGEST)),
        ("[::1]:5000/app:1", Reference("[::1]:5000", "app", "1")),
    ],
)
def test_reference_is_read_and_printed_back(text: str, wanted: Reference) -> None:
    assert parse_reference(text) == wanted
    assert str(wanted) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "app:1",
        "quay.io/app",
        "quay.io/App:1",
        "quay.io/app:" + "x" * 129,
        "quay.io/app@sha256:12",
        "quay.io//app:1",
        f"quay.io/app@md5:{'a' * 32}",
        "quay.io/app:1 2",
        "quay.io/../app:1",
        "quay.io/" + "a" * 256 + ":1",
    ],
)
def test_reference_that_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_reference(text)


def test_image_url_keeps_its_scheme() -> None:
    url = parse_image_url(f"http://127.0.0.1:5000/team/app@{DIGEST}")
    assert (url.scheme, url.reference.registry, url.reference.target) == ("http", "127.0.0.1:5000", DIGEST)


@pytest.mark.parametrize(
    "url", ["", "quay.io/app:1", "ftp://quay.io/app:1", "https:quay.io/app:1", "https://app:1"]
)
def test_image_url_without_scheme_or_registry_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        parse_image_url(url)


def test_docker_hub_is_reached_at_its_api_host() -> None:
    assert api_host("docker.io") == "registry-1.docker.io"
    assert api_host("quay.io") == "quay.io"
