"""A second opinion on advisories: what the raw feed files say of a package, by native comparators.

Debian's versions are compared by `dpkg --compare-versions`, rpm's by `rpm`'s own Lua, Python's by
`packaging`; semver and apk have short comparators of their own here. It must not use the product.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import subprocess
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

Json = dict[str, Any]
Order = Callable[[str, str], int]


@dataclass(frozen=True)
class Sample:
    """A package version to ask for, and what the raw files say: the ids that hit it."""

    space: str
    name: str
    version: str
    hits: frozenset[str]
    excluded: frozenset[str] = frozenset()
    """Ids that say the package is not affected."""
    arch: str = ""
    module: str = ""
    cpe: str = ""
    kind: str = ""


@cache
def dpkg_order(a: str, b: str) -> int:
    """-1, 0 or 1, as dpkg orders the two."""
    for relation, sign in (("lt", -1), ("eq", 0)):
        if subprocess.run(["dpkg", "--compare-versions", a, relation, b], check=False).returncode == 0:
            return sign
    return 1


class RpmOrder:
    """rpm's own comparison, asked for many pairs at once."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        parts: dict[tuple[str, str], None] = {}
        for a, b in pairs:
            for one, two in zip(_evr(a), _evr(b), strict=True):
                parts[one, two] = None
        wanted = [(one, two) for one, two in parts if one and two]
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
            file.writelines(f"{one}\t{two}\n" for one, two in wanted)
            file.flush()
            script = (
                f'%{{lua: for line in io.lines("{file.name}") do '
                'local a, b = line:match("^(.*)\\t(.*)$") print(rpm.vercmp(a, b) .. " ") end}'
            )
            out = subprocess.run(["rpm", "--eval", script], check=True, capture_output=True, text=True).stdout
        self._known = dict(zip(wanted, map(int, out.split()), strict=True))

    def __call__(self, a: str, b: str) -> int:
        for one, two in zip(_evr(a), _evr(b), strict=True):
            if not one or not two:
                return 0  # a release that is not given is any
            order = self._known[one, two]
            if order:
                return order
        return 0


def _evr(text: str) -> tuple[str, str, str]:
    epoch, colon, rest = text.partition(":")
    version, _, release = (rest if colon else text).partition("-")
    return (epoch if colon else "0", version, release)


def pep440_order(a: str, b: str) -> int:
    """By `packaging`."""
    one, two = Version(a), Version(b)
    return (one > two) - (one < two)


def semver_order(a: str, b: str) -> int:
    """By the rules of semver.org, after Go's `v` and `+incompatible` are cut."""
    one, two = _semver(a), _semver(b)
    return (one > two) - (one < two)


def _semver(text: str) -> tuple[Any, ...]:
    body = text.removeprefix("v").partition("+")[0]
    core, dash, pre = body.partition("-")
    numbers = [int(n) for n in core.split(".")] + [0, 0]
    ids = tuple((0, int(i), "") if i.isdigit() else (1, 0, i) for i in pre.split(".")) if dash else ()
    return (*numbers[:3], not dash, ids)


_APK = re.compile(
    r"(?P<n>\d+(?:\.\d+)*)(?P<l>[a-z]?)(?P<s>(?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)\d*)*)(?:-r(?P<r>\d+))?"
)
_SUFFIXES = {"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 1, "svn": 2, "git": 3, "hg": 4, "p": 5}


def apk_order(a: str, b: str) -> int:
    """By the rules of apk-tools' version.c, for well-formed versions."""
    one, two = _apk(a), _apk(b)
    for i in range(max(len(one[0]), len(two[0]))):
        if i >= len(one[0]) or i >= len(two[0]):
            return -1 if i >= len(one[0]) else 1
        x, y = one[0][i], two[0][i]
        if i and (x.startswith("0") or y.startswith("0")):
            order = (x > y) - (x < y)
        else:
            order = (int(x) > int(y)) - (int(x) < int(y))
        if order:
            return order
    rest_one, rest_two = (one[1], _suffixes(one[2]), one[3]), (two[1], _suffixes(two[2]), two[3])
    return (rest_one > rest_two) - (rest_one < rest_two)


def _apk(text: str) -> tuple[list[str], str, str, int]:
    found = _APK.fullmatch(text)
    if found is None:
        raise ValueError(text)
    return found["n"].split("."), found["l"], found["s"], int(found["r"] or 0)


def _suffixes(text: str) -> tuple[tuple[int, int], ...]:
    pairs = re.findall(r"_([a-z]+)(\d*)", text)
    return (*((_SUFFIXES[name], int(number or 0)) for name, number in pairs), (0, 0))


def affected(order: Order, version: str, ranges: Sequence[Json], versions: Iterable[str]) -> bool:
    """The evaluation that the OSV schema describes, event by event."""
    for listed in versions:
        if _same(order, version, listed):
            return True
    for found in ranges:
        vulnerable = False
        for event in sorted(found["events"], key=_Place(order)):
            (kind, bound), *_ = event.items()
            at = 1 if bound == "0" else order(version, bound)
            if kind == "introduced" and at >= 0:
                vulnerable = True
            elif (kind == "fixed" and at >= 0) or (kind == "last_affected" and at > 0):
                vulnerable = False
        if vulnerable:
            return True
    return False


def _same(order: Order, a: str, b: str) -> bool:
    try:
        return a == b or order(a, b) == 0
    except (InvalidVersion, ValueError):
        return False


class _Place:
    """A key of sorting by an order of two."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def __call__(self, event: Json) -> _Event:
        (kind, bound), *_ = event.items()
        return _Event(self._order, bound, kind == "introduced")


@dataclass(frozen=True)
class _Event:
    order: Order
    bound: str
    opens: bool

    def __lt__(self, other: _Event) -> bool:
        if "0" in (self.bound, other.bound):
            return self.bound == "0" and other.bound != "0"
        found = self.order(self.bound, other.bound)
        return found < 0 or (found == 0 and not self.opens and other.opens)


def osv_documents(path: Path) -> Iterator[Json]:
    """Every document of a zip that was not withdrawn."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            document = json.loads(archive.read(name))
            if not document.get("withdrawn"):
                yield document


def osv(
    path: Path, order: Order | None, count: int, *, normalise: Callable[[str], str] = str, seed: int = 1
) -> list[Sample]:
    """Samples of one OSV feed; without an order rpm is asked."""
    entries: defaultdict[tuple[str, str], list[tuple[str, Json]]] = defaultdict(list)
    for document in osv_documents(path):
        for part in document.get("affected", ()):
            package = part["package"]
            entries[package["ecosystem"], normalise(package["name"])].append((document["id"], part))
    chooser = random.Random(seed)
    questions: list[tuple[tuple[str, str], str]] = []
    for key in chooser.sample(sorted(entries), min(count, len(entries))):
        pool = sorted({v for _, part in entries[key] for v in _bounds(part)})
        questions += [(key, version) for version in chooser.sample(pool, min(2, len(pool)))]
    if order is None:
        order = RpmOrder(pair for key, version in questions for pair in _pairs(version, entries[key]))
    return [
        Sample(
            space=key[0],
            name=key[1],
            version=version,
            hits=frozenset(
                name
                for name, part in entries[key]
                if affected(order, version, _ranges(part), part.get("versions") or ())
            ),
        )
        for key, version in questions
    ]


def _pairs(version: str, parts: Iterable[tuple[str, Json]]) -> Iterator[tuple[str, str]]:
    """Whatever the evaluation may compare: the version and the bounds of each part with its bounds."""
    for _, part in parts:
        bounds = list(_bounds(part))
        yield from ((one, bound) for one in (version, *bounds) for bound in bounds)


def _ranges(part: Json) -> list[Json]:
    return [r for r in part.get("ranges") or () if r["type"] != "GIT"]


def _bounds(part: Json) -> Iterator[str]:
    for found in _ranges(part):
        for event in found["events"]:
            yield from (bound for bound in event.values() if bound != "0")
    yield from (part.get("versions") or ())[:3]


def debian(path: Path, releases: Mapping[str, str], count: int) -> list[Sample]:
    """Samples of the tracker: sources, each in one release, in versions that fix something there."""
    tracker = json.loads(gzip.decompress(path.read_bytes()))
    chooser = random.Random(2)
    found = []
    for name in chooser.sample(sorted(tracker), count):
        code = chooser.choice(sorted({r for issue in tracker[name].values() for r in issue["releases"]}))
        fixes = {
            cve: issue["releases"][code]["fixed_version"]
            for cve, issue in tracker[name].items()
            if code in issue["releases"]
        }
        version = chooser.choice(sorted(set(fixes.values()))) + chooser.choice(("", "~", "+b1"))
        hits = frozenset(cve for cve, fixed in fixes.items() if dpkg_order(version, fixed) < 0)
        found.append(Sample(f"debian:{releases[code]}", name, version, hits))
    return found


def alpine(folder: Path, count: int) -> list[Sample]:
    """Samples of the secdb files of one release."""
    fixes: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        for entry in json.loads(path.read_text()).get("packages") or ():
            for fixed, names in (entry["pkg"].get("secfixes") or {}).items():
                fixes[entry["pkg"]["name"]] += [(fixed, name) for name in names or () if fixed != "0"]
    chooser = random.Random(3)
    found = []
    for name in chooser.sample(sorted(n for n, f in fixes.items() if f), count):
        version = chooser.choice(
            sorted({fixed for fixed, _ in fixes[name] if _APK.fullmatch(fixed)} or {"1"})
        )
        hits = frozenset(
            cve for fixed, cve in fixes[name] if _APK.fullmatch(fixed) and apk_order(version, fixed) < 0
        )
        found.append(Sample(folder.name, name, version, hits))
    return found


def vex(paths: Iterable[Path], count: int) -> list[Sample]:
    """Samples of Red Hat's statements: a package of a product, asked with that product's CPE."""
    statements = [s for path in paths for s in _statements(json.loads(gzip.decompress(path.read_bytes())))]
    chooser = random.Random(4)
    rpm = sorted((s for s in statements if s.kind == "rpm"), key=repr)
    fixed, others = [s for s in rpm if s.fixed], [s for s in rpm if not s.fixed]
    questions = []
    for asked in chooser.sample(fixed, count // 2) + chooser.sample(others, count - count // 2):
        same = [s for s in rpm if s.name == asked.name]
        version = chooser.choice(sorted({s.fixed for s in same if s.fixed} or {"1-1"}))
        questions.append((asked, version + chooser.choice(("", ".1")), same))
    order = RpmOrder((v, s.fixed) for _, v, same in questions for s in same if s.fixed)
    return [_vex_sample(asked, version, same, order) for asked, version, same in questions]


@dataclass(frozen=True)
class _Statement:
    cve: str
    status: str
    kind: str
    name: str
    fixed: str
    arch: str
    module: str
    cpe: str


def _vex_sample(asked: _Statement, version: str, same: Sequence[_Statement], order: RpmOrder) -> Sample:
    """The package is binary and source in one, so that every status can answer."""
    arch = asked.arch or "x86_64"
    fitting = [s for s in same if asked.cpe.startswith(s.cpe.rstrip(":*")) and s.module == asked.module]
    hits = {s.cve for s in fitting if s.status == "known_affected"} | {
        s.cve for s in fitting if s.status == "fixed" and s.arch in {"", arch} and order(version, s.fixed) < 0
    }
    excluded = {s.cve for s in fitting if s.status == "known_not_affected"}
    return Sample(
        "rhel",
        asked.name,
        version,
        frozenset(hits),
        frozenset(excluded),
        arch=arch,
        module=asked.module,
        cpe=asked.cpe,
    )


def _statements(document: Json) -> Iterator[_Statement]:
    helpers: dict[str, Json] = {}
    waiting = list(document["product_tree"]["branches"])
    while waiting:
        branch = waiting.pop()
        waiting += branch.get("branches", [])
        product = branch.get("product", {})
        helpers[product.get("product_id", "")] = product.get("product_identification_helper", {})
    parts = {
        r["full_product_name"]["product_id"]: (r["product_reference"], r["relates_to_product_reference"])
        for r in document["product_tree"].get("relationships", [])
    }
    for vulnerability in document["vulnerabilities"]:
        for status, products in vulnerability["product_status"].items():
            for product in products:
                package, repository = parts.get(product, ("", ""))
                url, cpe = (
                    helpers.get(package, {}).get("purl", ""),
                    helpers.get(repository, {}).get("cpe", ""),
                )
                made = _statement(document["document"]["tracking"]["id"], status, url, cpe)
                if made is not None:
                    yield made


def _statement(cve: str, status: str, url: str, cpe: str) -> _Statement | None:
    found = re.fullmatch(r"pkg:(rpm)/redhat/([^@?]+)(?:@([^?]+))?(?:\?(.*))?", url)
    if found is None or not cpe or found[2].startswith("kernel"):
        return None
    more = {key: values[0] for key, values in parse_qs(found[4] or "").items()}
    arch = more.get("arch", "") if status == "fixed" else ""
    if arch == "src":
        return None
    fixed = f"{more.get('epoch', '0')}:{found[3]}" if status == "fixed" else ""
    module = ":".join(more.get("rpmmod", "").split(":")[:2])
    return _Statement(cve, status, found[1], found[2], fixed, arch, module, cpe)


def pep503(name: str) -> str:
    """The index's form of a name."""
    return str(canonicalize_name(name))
