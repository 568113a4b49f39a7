"""Writes bundles in upstream's form from a folder of feeds, each only when its files changed.

`tools/build_vuln_bundle.py` calls it. Beside the zip stands `<zip>.provenance.json`: for each
bundle its files with their digests, what they became, and what was left out by reason.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import zstandard

from pyrox.scan import catalogue
from pyrox.scan.advisories import emit, emit_enrichment, enrichment
from pyrox.scan.advisories.model import ParsedAdvisory, Skipped
from pyrox.scan.protocols import Source
from tools.vulnbundle.fetch import Answer

# Raise it whenever the same files would give other lines.
WRITER_VERSION = 1
_PARTICULAR = re.compile(r"[:'\"].*", re.DOTALL)
_MAX_REASONS = 100
_LEVEL = 9
Records = Callable[[str, bytes], Iterator[emit_enrichment.Record | Skipped]]
_ENRICHMENTS: Mapping[str, tuple[str, Records]] = {
    "nvd": ("nvd/", enrichment.parse_nvd),
    "epss": ("epss/", enrichment.parse_epss),
    "cisa-kev": ("kev/", enrichment.parse_kev),
    "stackrox-rhel-csaf": ("rhel-csaf/", enrichment.parse_red_hat),
}


@dataclass
class Input:
    """A feed file that went into a bundle."""

    path: str
    sha256: str
    size: int
    modified: str
    url: str = ""
    etag: str = ""
    fetched: str = ""


@dataclass
class Bundle:
    """What a bundle was made of, and what became of it."""

    name: str
    made: str
    state: str
    inputs: list[Input] = field(default_factory=list)
    advisories: int = 0
    lines: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    sha256: str = ""


def bundle_name(source: Source) -> str:
    """Upstream's name of the bundle that a source belongs to (`osv/pypi` is in `osv`)."""
    known = {"rhel-vex": "rhel-vex", "stackrox-manual": "manual"}
    return known.get(source.name) or source.name.partition("/")[0]


def build(
    feeds: Path, target: Path, answers: Mapping[str, Answer] | None = None, cache: Path | None = None
) -> list[Bundle]:
    """Write the zip and its provenance.

    Args:
        feeds: the folder of files, laid out like the live feeds.
        target: the zip.
        answers: what is known of where the files came from.
        cache: where the bundles of the last run lie; None makes all anew.
    """
    parts = cache or target.with_name(f".{target.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    before = {bundle.name: bundle for bundle in _read(parts / "bundles.json")}
    made = []
    for name, inputs, write in _plan(feeds, answers or {}):
        state = _state(inputs)
        part, old = parts / f"{name}.json.zst", before.get(name)
        if old is not None and old.state == state and part.exists() and old.sha256 == _digest(part):
            made.append(old)
            continue
        bundle = Bundle(name, max(i.modified for i in inputs), state, inputs)
        _write(part, bundle, write)
        made.append(bundle)
    _zip(target, parts, made)
    text = json.dumps([asdict(bundle) for bundle in made], indent=1)
    (parts / "bundles.json").write_text(text)
    target.with_name(f"{target.name}.provenance.json").write_text(text)
    if cache is None:
        for path in parts.iterdir():
            path.unlink()
        parts.rmdir()
    return made


Write = Callable[[BinaryIO, Bundle, Counter[str]], None]


def _plan(feeds: Path, answers: Mapping[str, Answer]) -> Iterator[tuple[str, list[Input], Write]]:
    """Name, files and writer of each bundle that has files."""
    found = [path for path in sorted(feeds.rglob("*")) if path.is_file() and _visible(path, feeds)]
    names = {path.relative_to(feeds).as_posix(): path for path in found}
    groups: dict[str, list[Source]] = {}
    for source in catalogue.sources():
        groups.setdefault(bundle_name(source), []).append(source)
    for name, sources in groups.items():
        read = [n for n in names if any(source.accepts(n) for source in sources)]
        if read:
            yield name, [_input(n, names[n], answers) for n in read], _advisories(feeds, sources)
    for name, (prefix, records) in _ENRICHMENTS.items():
        read = [n for n in names if n.startswith(prefix)]
        if read:
            yield name, [_input(n, names[n], answers) for n in read], _records(feeds, records)


def _visible(path: Path, feeds: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(feeds).parts)


def _input(name: str, path: Path, answers: Mapping[str, Answer]) -> Input:
    status, known = path.stat(), answers.get(name)
    modified = datetime.fromtimestamp(int(status.st_mtime), UTC).isoformat()
    # A document of an archive was not fetched by itself: its own content is its digest.
    digest = known.sha256 if known is not None and known.size == status.st_size else _digest(path)
    if known is None:
        return Input(name, digest, status.st_size, modified)
    return Input(name, digest, status.st_size, modified, known.url, known.etag, known.fetched)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(inputs: list[Input]) -> str:
    """Names the files and everything else that decides what becomes of them."""
    orders = sorted(f"{name} {scheme.key_version}" for name, scheme in catalogue.schemes().items())
    text = json.dumps([WRITER_VERSION, orders, [(i.path, i.sha256, i.modified) for i in inputs]])
    return hashlib.sha256(text.encode()).hexdigest()


def _advisories(feeds: Path, sources: list[Source]) -> Write:
    def write(out: BinaryIO, bundle: Bundle, left_out: Counter[str]) -> None:
        for entry in bundle.inputs:
            data = (feeds / entry.path).read_bytes()
            for item in (i for s in sources if s.accepts(entry.path) for i in s.parse(entry.path, data)):
                if isinstance(item, Skipped):
                    _count(left_out, item.reason)
                else:
                    _write_advisory(out, bundle, left_out, item, entry.sha256)

    return write


def _write_advisory(
    out: BinaryIO, bundle: Bundle, left_out: Counter[str], item: ParsedAdvisory, fingerprint: str
) -> None:
    bundle.advisories += 1
    lines = list(emit.lines(item, fingerprint=fingerprint))
    for _ in range(len(item.rows) - len(lines)):
        _count(left_out, "range that lines cannot hold")
    bundle.lines += len(lines)
    out.write(b"".join(line + b"\n" for line in lines))


def _records(feeds: Path, records: Records) -> Write:
    def write(out: BinaryIO, bundle: Bundle, left_out: Counter[str]) -> None:
        for entry in bundle.inputs:
            for item in records(entry.path, (feeds / entry.path).read_bytes()):
                if isinstance(item, Skipped):
                    _count(left_out, item.reason)
                    continue
                bundle.advisories += 1
                bundle.lines += 1
                out.write(emit_enrichment.line(item, fingerprint=entry.sha256) + b"\n")

    return write


def _count(left_out: Counter[str], reason: str) -> None:
    """By what reasons have in common; what is particular to one would make a list without end."""
    common = _PARTICULAR.sub("", reason)
    left_out[common if common in left_out or len(left_out) < _MAX_REASONS else "other reasons"] += 1


def _write(part: Path, bundle: Bundle, write: Write) -> None:
    left_out: Counter[str] = Counter()
    unfinished = part.with_name(f".{part.name}")
    with unfinished.open("wb") as file, zstandard.ZstdCompressor(level=_LEVEL).stream_writer(file) as out:
        write(out, bundle, left_out)
    unfinished.replace(part)
    bundle.left_out = dict(left_out.most_common())
    bundle.sha256 = _digest(part)


def _zip(target: Path, parts: Path, made: list[Bundle]) -> None:
    """The entries are stored, since they are packed; their times are the bundles' versions."""
    unfinished = target.with_name(f".{target.name}")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
        for bundle in made:
            moment = datetime.fromisoformat(bundle.made).timetuple()[:6]
            info = zipfile.ZipInfo(f"bundles/{bundle.name}.json.zst", moment)
            with (
                archive.open(info, "w", force_zip64=True) as entry,
                (parts / f"{bundle.name}.json.zst").open("rb") as file,
            ):
                while chunk := file.read(1 << 20):
                    entry.write(chunk)
    unfinished.replace(target)


def _read(path: Path) -> list[Bundle]:
    """What the last run made; nothing when that cannot be read."""
    try:
        return [
            Bundle(**{**value, "inputs": [Input(**i) for i in value["inputs"]]})
            for value in json.loads(path.read_bytes())
        ]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []
