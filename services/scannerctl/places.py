"""An image's place on the command line: flags and credentials, without any connection.

`images` uses it for what services are asked, `index` for what is read here; it loads quickly.
"""

from __future__ import annotations

import argparse
from typing import Final

from pyrox.errors import Invalid
from pyrox.registry.auth import Credentials

HASH_PREFIX: Final = "/v4/containerimage/"
# Upstream's variable (scanner/cmd/scannerctl/authn).
AUTH: Final = "ROX_SCANNERCTL_BASIC_AUTH"


def flags(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """The image and upstream's flags for it."""
    parser.add_argument(
        "image",
        metavar="http(s)://IMAGE",
        nargs=None if required else "?",
        default="",
        help="registry/repository with a tag or digest",
    )
    parser.add_argument(
        "--auth", default="", help=f"user:password for the registry; the variable {AUTH} is safer"
    )
    parser.add_argument(
        "--digest", default="", help="the digest to call the image by, instead of the registry's"
    )


def credentials(text: str) -> Credentials:
    """Those of a text `user:password`; none when it is empty."""
    if not text:
        return Credentials()
    username, colon, password = text.partition(":")
    if not colon:
        raise Invalid("invalid basic auth: expected user and password with a colon between them")
    return Credentials(username, password)
