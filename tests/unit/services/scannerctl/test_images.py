"""Images on the command line: digests, credentials, ids."""

from __future__ import annotations

import argparse
import asyncio
import io

import pytest

from pyrox.errors import Invalid
from services.scannerctl import images
from services.scannerctl.command import Streams

DIGEST = "sha256:" + "a" * 64


def named(image: str, *flags: str, **environment: str) -> images.Image:
    parser = argparse.ArgumentParser()
    images.flags(parser)
    streams = Streams(stdin=io.BytesIO(), out=io.StringIO(), err=io.StringIO(), environment=environment)
    return asyncio.run(images.named(parser.parse_args([image, *flags]), streams))


def test_image_with_a_digest_needs_no_registry() -> None:
    found = named(f"https://example.org/team/app@{DIGEST}")
    assert (found.hash_id, found.locator.url) == (
        f"/v4/containerimage/{DIGEST}",
        f"https://example.org/team/app@{DIGEST}",
    )
    assert (found.locator.username, found.name) == ("", f"example.org/team/app@{DIGEST}")


def test_digest_of_the_command_line_comes_first() -> None:
    found = named("http://example.org/team/app:1", "--digest", DIGEST)
    assert found.locator.url == f"http://example.org/team/app@{DIGEST}"


def test_credentials_come_from_the_flag_else_from_the_variable() -> None:
    image = f"https://example.org/team/app@{DIGEST}"
    flag = named(image, "--auth", "a:b:c", ROX_SCANNERCTL_BASIC_AUTH="x:y").locator
    variable = named(image, ROX_SCANNERCTL_BASIC_AUTH="x:y").locator
    assert (flag.username, flag.password) == ("a", "b:c")
    assert (variable.username, variable.password) == ("x", "y")


@pytest.mark.parametrize(
    ("image", "flags", "words"),
    [
        ("example.org/team/app:1", [], "the scheme must be http or https"),
        ("https://example.org/team/app:1", ["--digest", "sha256:1"], "expected sha256: and 64"),
        (f"https://example.org/team/app@{DIGEST}", ["--auth", "nobody"], "with a colon between them"),
    ],
)
def test_bad_command_line_says_what_is_expected(image: str, flags: list[str], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        named(image, *flags)


def test_hash_is_a_digest_or_a_whole_id() -> None:
    assert images.hash_of(DIGEST) == images.hash_of(f"/v4/containerimage/{DIGEST}")
    with pytest.raises(Invalid, match="give a digest"):
        images.hash_of("app:1")
