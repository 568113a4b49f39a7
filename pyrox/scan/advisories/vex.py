"""Red Hat's VEX documents: one CVE each, and how it stands with every product.

The rpm ecosystem makes a `VexSource`. Statements about rpm packages become rows of the
namespace `rhel`, those about containers rows of `rhcc`; the product's CPE stands in the row.
The reading follows claircore rhel/vex: what is fixed concerns binary packages with their
architectures, what is affected without a fix concerns sources, and a statement that a
product is not affected becomes a row that says so (docs/adr/0015).
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Final

import zstandard

from pyrox.scan import cpe, severity
from pyrox.scan.advisories import csaf
from pyrox.scan.advisories.model import Advisory, AdvisoryRow, Alias, Item, ParsedAdvisory, Skipped
from pyrox.scan.advisories.purl import PackageUrl
from pyrox.scan.advisories.ranges import Bounds, Subject, row
from pyrox.scan.formats import unpack
from pyrox.scan.formats.bounded import BoundedReader, StreamDamage
from pyrox.scan.model import Kind
from pyrox.scan.protocols import VersionScheme
from pyrox.scan.versions import InvalidVersion
from pyrox.scan.versions.rhctag import RhcTag, numbers

RPM_NAMESPACE: Final = "rhel"
CONTAINER_NAMESPACE: Final = "rhcc"
_MAX_DOCUMENT: Final = 64_000_000
_MAX_ARCHIVE: Final = 64_000_000_000
_MAX_WINDOW: Final = 128 * 1024 * 1024
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_SOURCES: Final = frozenset(("src", "nosrc"))
_SAME_ARCH: Final = {"amd64": "amd64|x86_64", "x86_64": "amd64|x86_64"}
_UNKNOWN: Final = "Unknown"
_KINDS: Final = {
    "fixed": Kind.BINARY,
    "known_affected": Kind.SOURCE,
    "known_not_affected": Kind.SOURCE,
}
_BROKEN: Final = (tarfile.TarError, zstandard.ZstdError, StreamDamage, EOFError, OSError)


@dataclass(frozen=True, slots=True)
class _Statement:
    """One product of a status, resolved."""

    status: str
    product: str
    package: PackageUrl
    module: str
    cpe: str
    fixed: str = ""


class VexSource:
    """Documents below `rhel-vex/`, alone, packed, or in the yearly archive."""

    name = "rhel-vex"

    def __init__(self, rpm: VersionScheme, tags: VersionScheme | None = None) -> None:
        self._rpm = rpm
        self._tags = tags or RhcTag()

    def accepts(self, path: str) -> bool:
        """True for `rhel-vex/2023/cve-2023-1.json`, packed or not, and for `*.tar.zst`."""
        return path.startswith("rhel-vex/") and path.endswith((".json", ".json.gz", ".tar.zst"))

    def parse(self, path: str, data: bytes) -> Iterator[Item]:
        """Every document of the file; never raises on bad content."""
        if path.endswith(".tar.zst"):
            yield from self._archive(path, data)
            return
        try:
            content = unpack.plain(data, _MAX_DOCUMENT)
        except StreamDamage as damage:
            yield Skipped(path, damage.detail)
            return
        yield from self.document(path, content)

    def _archive(self, path: str, data: bytes) -> Iterator[Item]:
        try:
            for name, content in members(data):
                yield from self.document(name, content)
        except _BROKEN as error:
            yield Skipped(path, f"archive: {error}"[:200])

    def document(self, name: str, content: bytes) -> Iterator[Item]:
        """The advisories of one document, and what of it was left out, each reason once."""
        if len(content) > _MAX_DOCUMENT:
            yield Skipped(name, f"more than {_MAX_DOCUMENT} bytes")
            return
        try:
            document = csaf.decode(content)
        except csaf.DAMAGE as error:
            yield Skipped(name, f"malformed: {error}"[:200])
            return
        tracking = document.document.tracking
        if not tracking.id or tracking.status == "deleted":
            yield Skipped(tracking.id or name, "deleted" if tracking.id else "no id")
            return
        products = csaf.Products(document)
        for number, vulnerability in enumerate(document.vulnerabilities):
            yield from self._vulnerability(document, products, vulnerability, number)

    def _vulnerability(
        self, document: csaf.Document, products: csaf.Products, found: csaf.Vulnerability, number: int
    ) -> Iterator[Item]:
        name = document.document.tracking.id
        skipped: dict[Skipped, None] = {}
        known = csaf.findings(found)
        statements = []
        for statement in _statements(name, products, found, skipped):
            impact, score = known.impacts.get(statement.product), known.scores.get(statement.product)
            if impact is None and score is not None and score.base_score == 0:
                skipped[Skipped(name, "score 0 without an impact")] = None
            else:
                statements.append(statement)
        texts: dict[tuple[str, str, str], Advisory] = {}
        rows: dict[str, dict[AdvisoryRow, list[str]]] = {}
        starts = _first_tags(statements)
        for statement in statements:
            text = _text(document, found, number, known, statement, texts)
            made = self._row(name, text.key, statement, starts, skipped)
            if made is not None:
                archs = rows.setdefault(text.key, {}).setdefault(replace(made, arch=""), [])
                archs.append(made.arch)
        for text in texts.values():
            merged = tuple(_with_archs(made, archs) for made, archs in rows.get(text.key, {}).items())
            if merged:
                yield ParsedAdvisory(text, merged)
        yield from skipped

    def _row(
        self,
        name: str,
        key: str,
        statement: _Statement,
        starts: dict[str, tuple[int, int]],
        skipped: dict[Skipped, None],
    ) -> AdvisoryRow | None:
        container = statement.package.kind == "oci"
        excluded = statement.status == "known_not_affected"
        arch = statement.package.qualifiers.get("arch", "") if statement.status == "fixed" else ""
        subject = Subject(
            namespace=CONTAINER_NAMESPACE if container else RPM_NAMESPACE,
            package=image_name(statement.package) if container else statement.package.name,
            kind=Kind.ANCESTRY if container and excluded else _KINDS[statement.status],
            scheme=self._tags if container else self._rpm,
            advisory=key,
            arch=_SAME_ARCH.get(arch, arch),
            module=statement.module,
            cpe=statement.cpe,
        )
        bounds = Bounds(fixed=statement.fixed)
        if container and statement.fixed:
            try:
                minor = numbers(statement.fixed)
            except InvalidVersion:
                skipped[Skipped(name, "container tag without a number")] = None
                return None
            # A tag without a dot is a time: such images have no minor releases.
            if minor > starts.get(subject.package, minor) and "." in statement.fixed:
                bounds = Bounds(introduced=f"{minor[0]}.{minor[1]}", fixed=statement.fixed)
        made = row(subject, bounds, not_affected=excluded)
        if made is not None and made.fallback:
            skipped[Skipped(name, "version without a key: compared exactly")] = None
        return made


def _statements(
    name: str, products: csaf.Products, found: csaf.Vulnerability, skipped: dict[Skipped, None]
) -> Iterator[_Statement]:
    for status, ids in found.product_status.items():
        if status not in _KINDS:
            skipped[Skipped(name, f"status {status[:40]}")] = None
            continue
        for product in dict.fromkeys(ids):
            component = products.component(product)
            read = component if isinstance(component, str) else _statement(status, product, component)
            if isinstance(read, str):
                skipped[Skipped(name, read)] = None
            else:
                yield read


def _statement(status: str, product: str, component: csaf.Component) -> _Statement | str:
    """The statement, or why it is left out."""
    package, module, repository = component.package, _module(component), cpe.formatted(component.cpe)
    fixed = _fixed(package) if status == "fixed" else ""
    refusal = _refusal(status, package)
    if not refusal and not repository:
        refusal = "product whose CPE cannot be read"
    if not refusal and module is None:
        refusal = "package whose module cannot be read"
    if not refusal and status == "fixed" and not fixed:
        refusal = "fixed package without a version"
    return refusal or _Statement(status, product, package, module or "", repository, fixed)


def _refusal(status: str, package: PackageUrl) -> str:
    """Why nothing is said of such packages; empty when they are of interest."""
    if package.kind not in {"rpm", "oci"}:
        return f"package of type {package.kind[:40]!r}"
    if package.name.startswith("kernel"):
        return "kernel package: an image has no say in the kernel"
    if package.kind == "rpm" and package.namespace != "redhat":
        return f"rpm package of {package.namespace[:40]!r}"
    if status == "fixed" and package.qualifiers.get("arch", "") in _SOURCES:
        return "source package of a fix"
    return ""


def _module(component: csaf.Component) -> str | None:
    """`name:stream`, by the package's qualifier or by the module in the relationship."""
    value = component.package.qualifiers.get("rpmmod")
    if value is None and component.module is not None and component.module.kind == "rpmmod":
        value = f"{component.module.name}:{component.module.version}"
    if value is None:
        return ""
    name, _, rest = value.partition(":")
    stream = rest.partition(":")[0]
    return f"{name}:{stream}" if name and stream else None


def _fixed(package: PackageUrl) -> str:
    if package.kind == "oci":
        return package.qualifiers.get("tag", "")
    return f"{package.qualifiers.get('epoch') or '0'}:{package.version}" if package.version else ""


def image_name(package: PackageUrl) -> str:
    """The image's name in its registry (`openshift4/ose-cli`)."""
    if package.namespace:
        return f"{package.namespace}/{package.name}"
    return package.qualifiers.get("repository_url", "").partition("/")[2] or package.name


def _first_tags(statements: Sequence[_Statement]) -> dict[str, tuple[int, int]]:
    """The lowest fixed minor release of each image: its range begins with the first version."""
    found: dict[str, tuple[int, int]] = {}
    for statement in statements:
        if statement.package.kind != "oci" or not statement.fixed:
            continue
        try:
            minor = numbers(statement.fixed)
        except InvalidVersion:
            continue
        name = image_name(statement.package)
        found[name] = min(minor, found.get(name, minor))
    return found


def _text(
    document: csaf.Document,
    found: csaf.Vulnerability,
    number: int,
    known: csaf.Findings,
    statement: _Statement,
    texts: dict[tuple[str, str, str], Advisory],
) -> Advisory:
    """The text for a product; products with the same severity and fix share one."""
    impact = known.impacts.get(statement.product, "")
    vector = known.scores.get(statement.product, csaf.Cvss()).vector_string
    fix = known.fixes.get(statement.product, "") if statement.status == "fixed" else ""
    if (impact, vector, fix) in texts:
        return texts[impact, vector, fix]
    head = document.document
    links = [r.url for r in (*found.references, *head.references) if r.url and r.category != "self"]
    own = [r.url for r in head.references if r.category == "self" and r.url][-1:]
    name = head.tracking.id
    made = Advisory(
        source=VexSource.name,
        key=f"{name} {number} {len(texts)}",
        name=name,
        description=next((n.text for n in reversed(found.notes) if n.category == "description"), ""),
        issued=unpack.time(found.release_date),
        links=" ".join(dict.fromkeys([*links, *own, *([fix] if fix else [])])),
        severity=vector or _UNKNOWN,
        normalized=severity.from_word(impact),
        aliases=(Alias("CVE", name),) if name.startswith("CVE-") else (),
        updated=unpack.time(head.tracking.current_release_date),
    )
    texts[impact, vector, fix] = made
    return made


def _with_archs(made: AdvisoryRow, archs: Sequence[str]) -> AdvisoryRow:
    """One row for all architectures; one without an architecture holds for all."""
    if "" in archs:
        return made
    names = sorted({name for arch in archs for name in arch.split("|")})
    return replace(made, arch="|".join(names))


def members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """The JSON documents of a `tar.zst`, in order; raises on damage and on more than the bounds."""
    if not archive.startswith(_ZSTD):
        raise tarfile.ReadError("not zstd")
    reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(
        BytesIO(archive), read_across_frames=True
    )
    bounded = BoundedReader(reader, _MAX_ARCHIVE)
    with tarfile.open(fileobj=bounded, mode="r|") as tar:  # type: ignore[call-overload]  # it only reads
        for member in tar:
            tar.members = []  # a stream is read once; what is read need not be remembered
            if not member.isfile() or not member.name.endswith(".json"):
                continue
            file = tar.extractfile(member)
            if file is not None:
                yield member.name, file.read(_MAX_DOCUMENT + 1)


def listed(data: bytes) -> Iterator[tuple[str, str]]:
    """Path and time of each line of `changes.csv` or `deletions.csv`; other lines are passed over.

    Red Hat writes `"2024/cve-2024-1.json","2024-08-01T10:00:00+00:00"`, the newest first.
    """
    for line in data.decode("utf-8", "replace").splitlines():
        path, comma, moment = line.partition(",")
        path, moment = path.strip().strip('"'), moment.strip().strip('"')
        parts = path.split("/")
        if comma and path.endswith(".json") and len(parts) == 2 and ".." not in parts and parts[0].isdigit():
            yield path, moment
