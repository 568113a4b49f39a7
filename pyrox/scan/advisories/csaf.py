"""CSAF documents: the parts that Red Hat's VEX statements and advisories are read from.

`vex` and `enrichment` use it. A document is read once into a flat view: products by id with
their CPE or package URL, and relationships that say which package belongs to which product.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from pyrox.scan.advisories import purl as package_url
from pyrox.scan.advisories.purl import PackageUrl

_MAX_DEPTH: Final = 16


class Text(msgspec.Struct):
    """A note of a document or vulnerability."""

    category: str = ""
    text: str = ""


class Reference(msgspec.Struct):
    """A link with what it is for."""

    category: str = ""
    url: str = ""


class _Helper(msgspec.Struct):
    cpe: str = ""
    purl: str = ""


class _Product(msgspec.Struct):
    product_id: str = ""
    product_identification_helper: _Helper | None = None


class _Branch(msgspec.Struct):
    product: _Product | None = None
    branches: list[_Branch] | None = None


class _Relationship(msgspec.Struct):
    full_product_name: _Product = msgspec.field(default_factory=_Product)
    product_reference: str = ""
    relates_to_product_reference: str = ""


class _Tree(msgspec.Struct):
    branches: list[_Branch] | None = None
    relationships: list[_Relationship] | None = None


class Cvss(msgspec.Struct, rename="camel"):
    """A vector and its base score."""

    vector_string: str = ""
    base_score: float = 0.0


class Score(msgspec.Struct):
    """The scores of some products."""

    products: list[str] = []
    cvss_v4: Cvss | None = None
    cvss_v3: Cvss | None = None
    cvss_v2: Cvss | None = None

    def best(self) -> Cvss:
        """The score of the newest CVSS version."""
        return self.cvss_v4 or self.cvss_v3 or self.cvss_v2 or Cvss()


class Threat(msgspec.Struct):
    """What a vulnerability means for some products."""

    category: str = ""
    details: str = ""
    product_ids: list[str] = []


class Remediation(msgspec.Struct):
    """What can be done about it."""

    category: str = ""
    url: str = ""
    product_ids: list[str] = []


class Vulnerability(msgspec.Struct):
    """One vulnerability with its products by status."""

    cve: str = ""
    notes: list[Text] = []
    references: list[Reference] = []
    release_date: str = ""
    product_status: dict[str, list[str]] = {}
    scores: list[Score] = []
    threats: list[Threat] = []
    remediations: list[Remediation] = []


class Tracking(msgspec.Struct):
    """Id and state of a document."""

    id: str = ""
    status: str = ""
    initial_release_date: str = ""
    current_release_date: str = ""


class Rating(msgspec.Struct):
    """The document's severity as a word."""

    text: str = ""


class Head(msgspec.Struct):
    """What a document says of itself."""

    tracking: Tracking = msgspec.field(default_factory=Tracking)
    title: str = ""
    references: list[Reference] = []
    notes: list[Text] = []
    aggregate_severity: Rating | None = None


class Document(msgspec.Struct):
    """A CSAF document."""

    document: Head = msgspec.field(default_factory=Head)
    product_tree: _Tree = msgspec.field(default_factory=_Tree)
    vulnerabilities: list[Vulnerability] = []


_DECODER: Final = msgspec.json.Decoder(Document)
DAMAGE: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)


def decode(content: bytes) -> Document:
    """The document; raises one of `DAMAGE`."""
    return _DECODER.decode(content)


@dataclass(frozen=True, slots=True)
class Component:
    """A package as part of a product; `module` is the package URL between them, if any."""

    package: PackageUrl
    cpe: str
    module: PackageUrl | None = None


class Products:
    """The product tree, flat: what an id of a status stands for."""

    def __init__(self, document: Document) -> None:
        tree = document.product_tree
        self._helpers = dict(_helpers(tree.branches or (), 0))
        self._parts: dict[str, tuple[str, str]] = {
            r.full_product_name.product_id: (r.product_reference, r.relates_to_product_reference)
            for r in tree.relationships or ()
        }
        self._urls: dict[str, PackageUrl | None] = {}

    def component(self, product: str) -> Component | str:
        """The package and the product's CPE, or why there is none."""
        chain = self._chain(product, 0)
        if len(chain) < 2:
            return "product without a relationship"
        package, module = self._url(chain[0]), self._url(chain[1]) if len(chain) > 2 else None
        repository = self._helpers.get(chain[-1])
        if package is None:
            return "package without a package URL"
        if repository is None or not repository.cpe:
            return "product without a CPE"
        return Component(package, repository.cpe, module)

    def _chain(self, product: str, depth: int) -> Sequence[str]:
        parts = self._parts.get(product)
        if parts is None or depth > _MAX_DEPTH:
            return (product,)
        # Only the left side may nest: a package in a module in a repository.
        left = self._chain(parts[0], depth + 1)
        right = self._chain(parts[1], depth + 1) if len(left) == 1 else (parts[1],)
        return (*left, *right)

    def _url(self, product: str) -> PackageUrl | None:
        if product not in self._urls:
            helper = self._helpers.get(product)
            self._urls[product] = package_url.parse(helper.purl) if helper else None
        return self._urls[product]


def _helpers(branches: Sequence[_Branch], depth: int) -> Iterator[tuple[str, _Helper]]:
    if depth > _MAX_DEPTH:
        return
    for branch in branches:
        helper = branch.product.product_identification_helper if branch.product else None
        if branch.product is not None and helper is not None:
            yield branch.product.product_id, helper
        yield from _helpers(branch.branches or (), depth + 1)


@dataclass(frozen=True, slots=True)
class Findings:
    """Scores, impacts and fixes of one vulnerability by product."""

    scores: Mapping[str, Cvss]
    impacts: Mapping[str, str]
    fixes: Mapping[str, str]


def findings(vulnerability: Vulnerability) -> Findings:
    """Who of several statements about a product comes first, stands."""
    scores: dict[str, Cvss] = {}
    impacts: dict[str, str] = {}
    fixes: dict[str, str] = {}
    for score in vulnerability.scores:
        for product in score.products:
            scores.setdefault(product, score.best())
    for threat in vulnerability.threats:
        if threat.category == "impact":
            for product in threat.product_ids:
                impacts.setdefault(product, threat.details)
    for remediation in vulnerability.remediations:
        if remediation.category == "vendor_fix" and remediation.url:
            for product in remediation.product_ids:
                fixes.setdefault(product, remediation.url)
    return Findings(scores, impacts, fixes)
