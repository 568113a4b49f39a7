"""The vulnerability answers of `/api/ui`: one statement each over the flat tables.

Rows become the values of `ui/src/api/contract.json`. Nothing is filtered, counted or
sorted here but by SQL.
"""
# ruff: noqa: S608 - names are constants, every value is an argument

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pyrox.errors import NotFound
from pyrox.pg.pool import Pool, Row
from services.central.db.query import Query
from services.central.ui import shape
from services.central.ui.listing import BY_SEVERITY, Listing, severity_counts
from services.central.ui.prelude import Prelude, Scopes
from services.central.ui.shape import Json

# `components` of one CVE in one image that an answer shows (contract.json).
MAX_COMPONENTS = 50
_BUCKETS = ", ".join(BY_SEVERITY)
_ZEROED = ", ".join(f"coalesce(s.{word}, 0) AS {word}" for word in (*BY_SEVERITY, "fixable", "notfixable"))
Keys = Mapping[str, tuple[str, ...]]
_CVE_KEYS: Keys = MappingProxyType(
    {
        "severity": BY_SEVERITY,
        "topCvss": ("cvss",),
        "epssProbability": ("epss",),
        "imageCount": ("images",),
        "firstDiscovered": ("first",),
        "cve": ("cve",),
    }
)
_IMAGE_KEYS: Keys = MappingProxyType(
    {
        "severity": BY_SEVERITY,
        "name": ("name",),
        "operatingSystem": ("os",),
        "deploymentCount": ("deployments",),
        "created": ("created",),
        "scanTime": ("scanned",),
    }
)
_DEPLOYMENT_KEYS: Keys = MappingProxyType(
    {
        "severity": BY_SEVERITY,
        "name": ("name",),
        "clusterName": ("clustername",),
        "namespace": ("namespace",),
        "imageCount": ("images",),
        "firstDiscovered": ("first",),
    }
)
_IMAGE_CVE_KEYS: Keys = MappingProxyType(
    {
        "severity": ("severity",),
        "cvss": ("cvss",),
        "epssProbability": ("epss",),
        "firstDiscovered": ("first",),
        "cve": ("cve",),
    }
)
_LAYERS = "SELECT idx, instruction, value FROM images_v2_layers WHERE parent_id = $1 ORDER BY idx"


def _summed(group: str) -> str:
    """`s`: per image or deployment, its CVEs at their severest, counted."""
    return f"""s AS (
    SELECT {group}, {severity_counts("severity")}, count(*) FILTER (WHERE fixable) AS fixable,
        count(*) FILTER (WHERE NOT fixable) AS notfixable, min(first) AS first
    FROM p GROUP BY {group}
)"""


def _paged(prelude: Prelude, listing: Listing, keys: Keys, ties: tuple[str, ...]) -> str:
    """`page`: the asked part of `g`, each row with its place."""
    order = listing.order(keys, ties)
    limit = prelude.args.add(listing.limit, "bigint")
    offset = prelude.args.add(listing.offset, "bigint")
    return (
        f"page AS (SELECT g.*, row_number() OVER (ORDER BY {order}) AS place FROM g"
        f" ORDER BY place LIMIT {limit} OFFSET {offset})"
    )


class VulnerabilityStore:
    """Vulnerabilities by CVE, image and deployment. Every read takes the caller's scopes."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def counts(self, text: str, scopes: Scopes) -> Json:
        """Distinct CVEs, images and deployments."""
        prelude = Prelude(Query.parse(text), scopes)
        terms = prelude.terms
        images = " WHERE v.id IN (SELECT f.image FROM f)" if terms.findings.terms else ""
        deployments = ""
        if terms.findings.terms:
            deployments = " WHERE d.image IN (SELECT f.image FROM f)"
        elif terms.images.terms:
            deployments = " WHERE d.image IN (SELECT v.id FROM v)"
        (row,) = await self._rows(
            prelude,
            f"""SELECT (SELECT count(DISTINCT f.cve) FROM f) AS cves,
            (SELECT count(*) FROM v{images}) AS images,
            (SELECT count(DISTINCT d.deployment) FROM d{deployments}) AS deployments""",
        )
        return {"cves": row["cves"], "images": row["images"], "deployments": row["deployments"]}

    async def cves(self, text: str, listing: Listing, scopes: Scopes) -> Json:
        """One row a CVE name."""
        prelude = Prelude(Query.parse(text), scopes)
        rows = await self._rows(
            prelude,
            """SELECT (SELECT count(*) FROM g) AS total, page.*, c.serialized,
                coalesce(n.deployments, 0) AS deployments
            FROM (VALUES (1)) AS one LEFT JOIN page ON TRUE LEFT JOIN n ON n.cve = page.cve
                LEFT JOIN top ON top.cve = page.cve LEFT JOIN image_cves_v2 c ON c.id = top.id
            ORDER BY page.place""",
            """p AS (
                SELECT cve, image, max(severity) AS severity, max(cvss) AS cvss, max(nvdcvss) AS nvdcvss,
                    max(epss) AS epss, bool_or(kev) AS kev, bool_or(fixable) AS fixable,
                    min(first) AS first, max(published) AS published
                FROM f GROUP BY cve, image
            )""",
            f"""g AS (
                SELECT cve, {severity_counts("severity")}, count(*) AS images, max(cvss) AS cvss,
                    max(nvdcvss) AS nvdcvss, max(epss) AS epss, bool_or(kev) AS kev,
                    bool_or(fixable) AS fixable, min(first) AS first, max(published) AS published
                FROM p GROUP BY cve
            )""",
            _paged(prelude, listing, _CVE_KEYS, ("cve",)),
            """n AS (
                SELECT p.cve, count(DISTINCT d.deployment) AS deployments
                FROM page JOIN p ON p.cve = page.cve JOIN d ON d.image = p.image GROUP BY p.cve
            )""",
            """top AS (
                SELECT DISTINCT ON (f.cve) f.cve, f.id FROM page JOIN f ON f.cve = page.cve
                ORDER BY f.cve, f.severity DESC, f.cvss DESC, f.id
            )""",
        )
        return shape.page(rows, shape.cve_row)

    async def images(self, text: str, listing: Listing, scopes: Scopes) -> Json:
        """One row an image, also without findings unless the query asks for some."""
        prelude = Prelude(Query.parse(text), scopes)
        join = "JOIN" if prelude.terms.findings.terms else "LEFT JOIN"
        rows = await self._rows(
            prelude,
            """SELECT (SELECT count(*) FROM g) AS total, page.*
            FROM (VALUES (1)) AS one LEFT JOIN page ON TRUE ORDER BY page.place""",
            """p AS (
                SELECT image, cve, max(severity) AS severity, bool_or(fixable) AS fixable, min(first) AS first
                FROM f GROUP BY image, cve
            )""",
            _summed("image"),
            "n AS (SELECT image, count(DISTINCT deployment) AS deployments FROM d GROUP BY image)",
            f"""g AS (
                SELECT v.*, {_ZEROED}, s.first, coalesce(n.deployments, 0) AS deployments
                FROM v {join} s ON s.image = v.id LEFT JOIN n ON n.image = v.id
            )""",
            _paged(prelude, listing, _IMAGE_KEYS, ("name", "id")),
        )
        return shape.page(rows, shape.image_row)

    async def deployments(self, text: str, listing: Listing, scopes: Scopes) -> Json:
        """One row a deployment, over all its images."""
        prelude = Prelude(Query.parse(text), scopes)
        join = "JOIN" if prelude.terms.findings.terms else "LEFT JOIN"
        narrowed = " JOIN v ON v.id = d.image" if prelude.terms.images.terms else ""
        rows = await self._rows(
            prelude,
            """SELECT (SELECT count(*) FROM g) AS total, page.*
            FROM (VALUES (1)) AS one LEFT JOIN page ON TRUE ORDER BY page.place""",
            f"e AS (SELECT d.deployment, d.image FROM d{narrowed})",
            """p AS (
                SELECT e.deployment, f.cve, max(f.severity) AS severity, bool_or(f.fixable) AS fixable,
                    min(f.first) AS first
                FROM e JOIN f ON f.image = e.image GROUP BY e.deployment, f.cve
            )""",
            _summed("deployment"),
            "n AS (SELECT deployment, count(DISTINCT image) AS images FROM e GROUP BY deployment)",
            f"""g AS (
                SELECT t.id::text AS id, t.name, t.type, t.clusterid::text AS clusterid, t.clustername,
                    t.namespace, {_ZEROED}, s.first, n.images
                FROM n JOIN deployments t ON t.id = n.deployment {join} s ON s.deployment = n.deployment
            )""",
            _paged(prelude, listing, _DEPLOYMENT_KEYS, ("name", "id")),
        )
        return shape.page(rows, shape.deployment_row)

    async def cve(self, name: str, text: str, scopes: Scopes) -> Json:
        """The head of a CVE's page. Raises `NotFound` when nothing in scope has it."""
        wanted = Query.exact("CVE", name)
        query = Query.parse(text)
        rows = await self._cve_rows(query & wanted, scopes)
        if not rows[0]["images"]:
            known = await self._cve_rows(wanted, scopes)
            if not known[0]["images"]:
                raise NotFound.because(f"no image in your scope has {name[:100]!r}")
            return shape.cve_without_matches(known, rows[0]["total"])
        return shape.cve_detail(rows)

    async def _cve_rows(self, query: Query, scopes: Scopes) -> list[Row]:
        """One row an operating system, the severest first; at least one."""
        return await self._rows(
            Prelude(query, scopes),
            """SELECT head.*, o.os, o.severity, o.cvss AS oscvss, c.serialized
            FROM head LEFT JOIN o ON TRUE LEFT JOIN image_cves_v2 c ON c.id = o.id
            ORDER BY o.severity DESC, o.cvss DESC, o.os""",
            """p AS (
                SELECT image, max(severity) AS severity, max(cvss) AS cvss, max(nvdcvss) AS nvdcvss,
                    max(epss) AS epss, bool_or(kev) AS kev, min(first) AS first, max(published) AS published
                FROM f GROUP BY image
            )""",
            f"""head AS (
                SELECT {severity_counts("severity")}, count(*) AS images, max(cvss) AS cvss,
                    max(nvdcvss) AS nvdcvss, max(epss) AS epss, bool_or(kev) AS kev, min(first) AS first,
                    max(published) AS published, (SELECT count(*) FROM v) AS total,
                    (SELECT count(DISTINCT d.deployment) FROM d WHERE d.image IN (SELECT p.image FROM p))
                        AS deployments, (SELECT min(f.cve) FROM f) AS cve
                FROM p
            )""",
            """o AS (
                SELECT DISTINCT ON (v.os) v.os, f.id, f.severity, f.cvss FROM f JOIN v ON v.id = f.image
                ORDER BY v.os, f.severity DESC, f.cvss DESC, f.id
            )""",
        )

    async def image(self, image_id: str, text: str, scopes: Scopes) -> Json:
        """The head of an image's page; the query narrows what is counted."""
        only = Query.exact("Image ID", image_id)
        prelude = Prelude(Prelude(Query.parse(text), scopes).terms.findings & only, scopes)
        rows = await self._rows(
            prelude,
            f"""SELECT v.*, t.serialized, t.scanstats_componentcount AS components, {_ZEROED},
                (SELECT count(DISTINCT d.deployment) FROM d WHERE d.image = v.id) AS deployments,
                (SELECT array_agg(DISTINCT a.name ORDER BY a.name) FROM a
                    WHERE a.digest = v.digest AND a.id <> v.id AND a.digest <> '') AS others
            FROM v JOIN images_v2 t ON t.id = v.id LEFT JOIN s ON s.image = v.id""",
            f"a AS ({prelude.same_digest()})",
            """p AS (
                SELECT image, cve, max(severity) AS severity, bool_or(fixable) AS fixable, min(first) AS first
                FROM f GROUP BY image, cve
            )""",
            _summed("image"),
        )
        if not rows:
            raise _no_image(image_id)
        return shape.image_detail(rows[0])

    async def image_cves(self, image_id: str, text: str, listing: Listing, scopes: Scopes) -> Json:
        """The CVEs of one image with their components."""
        prelude = Prelude(Query.parse(text) & Query.exact("Image ID", image_id), scopes)
        rows = await self._rows(
            prelude,
            f"""SELECT (SELECT count(*) FROM g) AS total, (SELECT count(*) FROM a) AS visible, page.*,
                k.severity AS oneseverity, k.cvss AS onecvss, c.serialized, m.serialized AS component
            FROM (VALUES (1)) AS one LEFT JOIN page ON TRUE
                LEFT JOIN k ON k.cve = page.cve AND k.n <= {MAX_COMPONENTS}
                LEFT JOIN image_cves_v2 c ON c.id = k.id
                LEFT JOIN image_component_v2 m ON m.id = k.component
            ORDER BY page.place, k.n""",
            f"a AS ({prelude.visible(image_id)})",
            """g AS (
                SELECT cve, max(severity) AS severity, bool_or(fixable) AS fixable, max(cvss) AS cvss,
                    max(nvdcvss) AS nvdcvss, max(epss) AS epss, bool_or(kev) AS kev,
                    count(DISTINCT component) AS components, min(first) AS first, max(published) AS published
                FROM f GROUP BY cve
            )""",
            _paged(prelude, listing, _IMAGE_CVE_KEYS, ("cve",)),
            """w AS (
                SELECT DISTINCT ON (f.cve, f.component) f.cve, f.component, f.id, f.severity, f.cvss
                FROM page JOIN f ON f.cve = page.cve
                ORDER BY f.cve, f.component, f.severity DESC, f.cvss DESC, f.id
            )""",
            """k AS (
                SELECT w.*, row_number() OVER (
                    PARTITION BY w.cve ORDER BY w.severity DESC, w.cvss DESC, w.component
                ) AS n FROM w
            )""",
        )
        if not rows[0]["visible"]:
            raise _no_image(image_id)
        layers = {row["idx"]: row for row in await self._pool.fetch(_LAYERS, image_id)}
        return shape.image_cve_page(rows, layers)

    async def _rows(self, prelude: Prelude, select: str, *expressions: str) -> list[Row]:
        """Run the statement; `expressions` were made after the prelude's own arguments."""
        sql = ",\n".join([prelude.sql(), *expressions]) + "\n" + select
        return await self._pool.fetch(sql, *prelude.args.values)


def _no_image(image_id: str) -> NotFound:
    return NotFound.because(f"image with id {image_id[:200]!r} does not exist")
