"""The tables that every vulnerability answer starts from, as common table expressions.

`i` images, `d` pairs of deployment and image, `v` images that pass, `f` their findings.
Each term of the query is put where its label lives, so that all terms hold of one row of
the join deployment, image, component, CVE. The caller's scope is compiled in by the
builder of the generic search. It must not know any answer.
"""
# ruff: noqa: S608 - names come from the declared tables, every value is an argument

from __future__ import annotations

from dataclasses import dataclass

from pyrox.rpc.scope import EVERYTHING, Scope
from services.central.db import tables
from services.central.db.conditions import Arguments
from services.central.db.query import EVERY, Query, Term
from services.central.db.search import Builder

_FINDING = frozenset({tables.IMAGE_CVES.name, tables.IMAGE_COMPONENTS.name})
_CONTAINERS = "deployments_containers"


@dataclass(frozen=True, slots=True)
class Scopes:
    """What the caller may see of the two resources behind these answers."""

    images: Scope
    deployments: Scope


@dataclass(frozen=True, slots=True)
class Terms:
    """A query by the level at which its labels live; unknown labels are left out."""

    findings: Query = EVERY
    images: Query = EVERY
    deployments: Query = EVERY

    @classmethod
    def of(cls, query: Query) -> Terms:
        """Take a query apart."""
        levels: dict[str, list[Term]] = {"findings": [], "images": [], "deployments": []}
        for term in query.terms:
            if (level := _level(term.label)) is not None:
                levels[level].append(term)
        return cls(**{level: Query(tuple(terms)) for level, terms in levels.items()})


def _level(label: str) -> str | None:
    found = tables.CATALOG.find(tables.IMAGE_CVES, label)
    if found is None:
        return None
    relation = found.path[-1].target if found.path else tables.IMAGE_CVES.name
    owner = tables.CATALOG.owner(relation).name
    if owner in _FINDING:
        return "findings"
    return "images" if owner == tables.IMAGES_V2.name else "deployments"


class Prelude:
    """The WITH part of one statement, and its arguments."""

    def __init__(self, query: Query, scopes: Scopes) -> None:
        self.terms = Terms.of(query)
        self.scopes = scopes
        self.args = Arguments()

    def sql(self) -> str:
        """`WITH i AS …, d AS …, v AS …, f AS …`, to be followed by further expressions."""
        where = " WHERE EXISTS (SELECT 1 FROM d WHERE d.image = i.id)" if self.terms.deployments.terms else ""
        return f"""WITH i AS ({self._images(self.terms.images)}),
d AS ({self._pairs()}),
v AS (SELECT i.id, i.digest, i.name, i.os, i.created, i.scanned, i.topcvss FROM i{where}),
f AS NOT MATERIALIZED (
    SELECT x.id, x.cve, x.image, x.component, x.severity, x.cvss, x.nvdcvss, x.epss, x.kev, x.fixable,
        x.first, x.published
    FROM ({self._findings()}) x JOIN v ON v.id = x.image
)"""

    def visible(self, image_id: str) -> str:
        """The one image, if the caller may see it, whatever the query says."""
        return self._images(Query.exact("Image ID", image_id))

    def same_digest(self) -> str:
        """All images that the caller may see."""
        return self._images(EVERY)

    def _images(self, query: Query) -> str:
        builder = Builder(tables.CATALOG, tables.IMAGES_V2, self.scopes.images, self.args)
        builder.filter(query)
        t = builder.root.alias
        return (
            f"SELECT {t}.id, {t}.digest, {t}.name_fullname AS name, {t}.scan_operatingsystem AS os,"
            f" {t}.metadata_v1_created AS created, {t}.scan_scantime AS scanned, {t}.topcvss"
            f" {builder.source()}"
        )

    def _pairs(self) -> str:
        builder = Builder(tables.CATALOG, tables.DEPLOYMENTS, self.scopes.deployments, self.args)
        path = tables.CATALOG.path(tables.DEPLOYMENTS, _CONTAINERS)
        containers = builder.node(path, joined=True).alias
        builder.filter(self.terms.deployments)
        return (
            f"SELECT DISTINCT {builder.root.alias}.id AS deployment, {containers}.image_idv2 AS image"
            f" {builder.source()}"
        )

    def _findings(self) -> str:
        # Never read alone: `f` joins it to the images that the caller may see.
        builder = Builder(tables.CATALOG, tables.IMAGE_CVES, EVERYTHING, self.args)
        builder.filter(self.terms.findings)
        t = builder.root.alias
        return (
            f"SELECT {t}.id, {t}.cvebaseinfo_cve AS cve, {t}.imageidv2 AS image,"
            f" {t}.componentid AS component,"
            f" coalesce({t}.severity, 0) AS severity, coalesce({t}.cvss, 0) AS cvss,"
            f" coalesce({t}.nvdcvss, 0) AS nvdcvss, {t}.cvebaseinfo_epss_epssprobability AS epss,"
            f" coalesce({t}.cvebaseinfo_cisakev, FALSE) AS kev, coalesce({t}.isfixable, FALSE) AS fixable,"
            f" {t}.firstimageoccurrence AS first, {t}.cvebaseinfo_publishedon AS published"
            f" {builder.source()}"
        )
