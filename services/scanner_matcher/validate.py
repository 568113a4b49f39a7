"""Checks of `scanner.v4` messages before anything is made of them.

Pure. Used by `api`. The rules are upstream's (scanner/services/validators).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyrox.errors import Invalid
from pyrox.pb.internalapi.scanner.v4 import common_pb2 as pb

HASH_PREFIX: Final = "/v4/containerimage/"
_MAX_HASH: Final = 512
# More than any image has; a report beyond it would not fit into an answer anyway.
_MAX_ITEMS: Final = 500_000
_CPE_PREFIXES: Final = ("cpe:2.3:", "cpe:/")
_Item = pb.Package | pb.Distribution | pb.Repository


def check_hash_id(hash_id: str) -> None:
    """Raise `Invalid` unless the id is that of a container image."""
    if not hash_id.startswith(HASH_PREFIX) or len(hash_id) > _MAX_HASH or not hash_id.isprintable():
        raise Invalid(f"invalid hash id: {hash_id[:_MAX_HASH]!r} must start with {HASH_PREFIX}")


def check_contents(contents: pb.Contents) -> None:
    """Raise `Invalid` that names the first element which breaks a rule."""
    packages = list(contents.packages.values()) or list(contents.packagesDEPRECATED)
    _check("packages", packages)
    _check("distributions", contents.distributions.values() or contents.distributionsDEPRECATED)
    _check("repositories", contents.repositories.values() or contents.repositoriesDEPRECATED)
    for package in packages:
        if package.source.HasField("source"):
            raise Invalid(f"Contents.packages element {package.id!r}: its source has a source")
        _check_cpe(f"Contents.packages element {package.id!r}: source", package.source.cpe)


def _check(what: str, items: Iterable[_Item]) -> None:
    for number, item in enumerate(items):
        if number >= _MAX_ITEMS:
            raise Invalid(f"Contents.{what}: more than {_MAX_ITEMS} elements")
        if not item.id:
            raise Invalid(f"Contents.{what} element #{number + 1}: id is empty")
        _check_cpe(f"Contents.{what} element {item.id!r}", item.cpe)


def _check_cpe(where: str, cpe: str) -> None:
    if cpe and not cpe.startswith(_CPE_PREFIXES):
        raise Invalid(f"{where}: CPE {cpe[:100]!r} is not valid")
