"""OpenVEX documents: what somebody says of a vulnerability in a product, applied to hits.

The Matcher keeps documents and asks `overruled` for each hit. The form is the OpenVEX
specification 0.2.0 (openvex/spec). A statement that ends a hit is kept as its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from pyrox.scan.formats import unpack
from pyrox.scan.model import Package
from pyrox.scan.sbom.purl import InvalidPurl, Purl, parse

MAX_BYTES: Final = 16_000_000
_MAX_STATEMENTS: Final = 50_000
_MAX_PRODUCTS: Final = 10_000
_CONTEXT: Final = "https://openvex.dev/ns"


class InvalidVex(ValueError):
    """A document that is not OpenVEX, or one that breaks its rules; the text names the part."""


class Status(StrEnum):
    """The four statuses of OpenVEX."""

    NOT_AFFECTED = "not_affected"
    AFFECTED = "affected"
    FIXED = "fixed"
    UNDER_INVESTIGATION = "under_investigation"


@dataclass(frozen=True, slots=True)
class Product:
    """A product by its names: package URLs and other ids; with subcomponents only those are meant."""

    ids: tuple[str, ...]
    subcomponents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `vulnerabilities` are its name and aliases in capitals."""

    document: str
    vulnerabilities: frozenset[str]
    products: tuple[Product, ...]
    status: Status
    stamp: datetime
    justification: str = ""
    impact: str = ""

    @property
    def ends(self) -> bool:
        """Whether it says that there is nothing to do."""
        return self.status in {Status.NOT_AFFECTED, Status.FIXED}

    @property
    def reason(self) -> str:
        """The statement as one sentence, for an explanation."""
        more = "; ".join(part for part in (self.justification, self.impact) if part)
        return f"{self.document} says {self.status}" + (f" ({more})" if more else "")


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document."""

    id: str
    author: str
    statements: tuple[Statement, ...]

    @property
    def vulnerabilities(self) -> frozenset[str]:
        """Every name that one of the statements is about."""
        return frozenset().union(*(statement.vulnerabilities for statement in self.statements))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hit is: the image's digest, the package and its URL."""

    image: str
    package: Package
    purl: Purl | None


class _Component(msgspec.Struct):
    id: str = msgspec.field(name="@id", default="")
    identifiers: dict[str, str] = msgspec.field(default_factory=dict)


class _Product(_Component):
    subcomponents: list[_Component] = msgspec.field(default_factory=list)


class _Vulnerability(msgspec.Struct):
    id: str = msgspec.field(name="@id", default="")
    name: str = ""
    aliases: list[str] = msgspec.field(default_factory=list)


class _Statement(msgspec.Struct):
    vulnerability: _Vulnerability | str = ""
    products: list[_Product | str] = msgspec.field(default_factory=list)
    status: str = ""
    timestamp: str = ""
    last_updated: str = ""
    justification: str = ""
    impact_statement: str = ""


class _Document(msgspec.Struct):
    context: str = msgspec.field(name="@context", default="")
    id: str = msgspec.field(name="@id", default="")
    author: str = ""
    timestamp: str = ""
    statements: list[_Statement] = msgspec.field(default_factory=list)


_DECODER: Final = msgspec.json.Decoder(_Document)


def read(data: bytes) -> Document:
    """The document.

    Raises:
        InvalidVex: it is too long, no OpenVEX, or a statement breaks a rule; the whole is
            refused then, since a part of it would say something that nobody said.
    """
    if len(data) > MAX_BYTES:
        raise InvalidVex(f"{len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        parsed = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidVex(f"no OpenVEX document: {error}"[:300]) from error
    if not parsed.context.startswith(_CONTEXT):
        raise InvalidVex(f"@context {parsed.context[:100]!r}; it must begin with {_CONTEXT}")
    if not parsed.id:
        raise InvalidVex("@id is missing")
    if len(parsed.statements) > _MAX_STATEMENTS:
        raise InvalidVex(f"more than {_MAX_STATEMENTS} statements")
    statements = tuple(_statement(parsed, number) for number in range(len(parsed.statements)))
    return Document(parsed.id, parsed.author, statements)


def _statement(document: _Document, number: int) -> Statement:
    raw, where = document.statements[number], f"statement {number + 1}"
    if raw.status not in {status.value for status in Status}:
        raise InvalidVex(f"{where}: status {raw.status[:50]!r} is none of OpenVEX")
    status = Status(raw.status)
    if status is Status.NOT_AFFECTED and not (raw.justification or raw.impact_statement):
        raise InvalidVex(f"{where}: not_affected needs a justification or an impact_statement")
    names = _names(raw.vulnerability)
    if not names:
        raise InvalidVex(f"{where}: the vulnerability has no name")
    if not raw.products or len(raw.products) > _MAX_PRODUCTS:
        raise InvalidVex(f"{where}: it must have between 1 and {_MAX_PRODUCTS} products")
    # A statement without a time of its own has the document's.
    stamp = unpack.time(raw.last_updated or raw.timestamp or document.timestamp)
    if stamp is None:
        raise InvalidVex(f"{where}: neither it nor the document has a timestamp that can be read")
    return Statement(
        document=document.id,
        vulnerabilities=names,
        products=tuple(map(_product, raw.products)),
        status=status,
        stamp=stamp,
        justification=raw.justification,
        impact=raw.impact_statement,
    )


def _names(raw: _Vulnerability | str) -> frozenset[str]:
    texts = [raw] if isinstance(raw, str) else [raw.name or raw.id.rpartition("/")[2], *raw.aliases]
    return frozenset(text.upper() for text in texts if text)


def _product(raw: _Product | str) -> Product:
    if isinstance(raw, str):
        return Product((raw,))
    return Product(_ids(raw), tuple(name for part in raw.subcomponents for name in _ids(part)))


def _ids(raw: _Component) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in (raw.id, *raw.identifiers.values()) if text))


def overruled(names: Iterable[str], place: Place, statements: Sequence[Statement]) -> Statement | None:
    """The statement that ends a hit; None when none does, or a later one says otherwise.

    Args:
        names: every name of the hit's advisory, in capitals.
        place: where the hit is.
        statements: those of all documents; the last one by its time counts.
    """
    wanted = frozenset(names)
    about = [
        statement
        for statement in statements
        if wanted & statement.vulnerabilities and any(_covers(p, place) for p in statement.products)
    ]
    if not about:
        return None
    last = max(about, key=lambda statement: statement.stamp)
    return last if last.ends else None


def _covers(product: Product, place: Place) -> bool:
    if product.subcomponents:
        # A product with parts is where the parts are looked for: the image, or a package in it.
        part = any(_is_package(name, place) for name in product.subcomponents)
        return part and any(_is_image(name, place) or not _names_image(name) for name in product.ids)
    return any(_is_image(name, place) or _is_package(name, place) for name in product.ids)


def _names_image(name: str) -> bool:
    return name.startswith(("pkg:oci/", "pkg:docker/", "sha256:"))


def _is_image(name: str, place: Place) -> bool:
    """Images are known by digest only: names of registries change from copy to copy."""
    if name.startswith("sha256:"):
        return name == place.image
    if not name.startswith(("pkg:oci/", "pkg:docker/")):
        return False
    try:
        return bool(place.image) and parse(name).version == place.image
    except InvalidPurl:
        return False


def _is_package(name: str, place: Place) -> bool:
    """A package URL names a package when all that it says holds for the package's own."""
    if place.purl is None or not name.startswith("pkg:"):
        return False
    try:
        said = parse(name)
    except InvalidPurl:
        return False
    own = place.purl
    if (said.type, said.namespace.lower()) != (own.type, own.namespace.lower()):
        return False
    qualifiers = dict(said.qualifiers)
    source = place.package.source_name or place.package.name
    if qualifiers.get("arch") in {"source", "src"}:
        del qualifiers["arch"]
        known = (source, place.package.source_version or place.package.version)
    else:
        known = (own.name, own.version)
    return (
        said.name.lower() == known[0].lower()
        and said.version in {"", known[1]}
        and all(own.qualifiers.get(key, value) == value for key, value in qualifiers.items())
    )
