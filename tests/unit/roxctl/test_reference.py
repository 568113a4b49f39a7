"""Image names: what is refused, and what is sent."""

from __future__ import annotations

import pytest

from roxctl import reference
from roxctl.errors import CliError

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "full", "digest"),
    [
        ("nginx", "docker.io/library/nginx:latest", ""),
        ("quay.io/a/b:1", "quay.io/a/b:1", ""),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}", DIGEST),
    ],
)
def test_image_is_normalized(text: str, full: str, digest: str) -> None:
    made = reference.image(text)
    assert (made.name.full_name, made.id) == (full, digest)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("BAD REF", "invalid reference format: repository name (library/BAD REF) must be lowercase"),
        ("quay.io/A/b:1", "invalid reference format: repository name (A/b) must be lowercase"),
        ("nginx:", "invalid reference format"),
        ("", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("f" * 64, f"invalid repository name ({'f' * 64}), cannot specify 64-byte hexadecimal strings"),
    ],
)
def test_check_refuses_with_dockers_words(text: str, reason: str) -> None:
    with pytest.raises(CliError) as caught:
        reference.check(text)
    assert str(caught.value) == reason


def test_image_refusal_names_the_image() -> None:
    with pytest.raises(
        CliError, match="could not parse image 'BAD': error parsing image name 'BAD': invalid"
    ):
        reference.image("BAD")
