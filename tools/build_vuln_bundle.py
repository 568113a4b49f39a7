"""Make a vulnerability bundle in upstream's form from a directory of fetched feeds.

    python tools/build_vuln_bundle.py FEEDS OUT.zip [OFFLINE.zip]

The directory is laid out like the live feeds (`osv/PyPI/all.zip`, `debian/tracker.json.gz`,
`alpine/v3.11/main.json` …). What is left out is counted by source and reason. With a third
path the bundle is also put into the form that Central takes as an upload.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from pyrox.scan import catalogue
from pyrox.scan.advisories.emit import lines
from pyrox.scan.advisories.model import ParsedAdvisory, Skipped
from pyrox.scan.protocols import Source
from pyrox.version import WIRE_VERSION
from services.scanner_matcher.config import VULNERABILITY_VERSION

_MOST_REASONS = 8


def bundle_name(source: Source) -> str:
    """The bundle that a source belongs to: `osv/pypi` is in `osv`, `debian/updater` in `debian`."""
    return source.name.partition("/")[0].partition("-")[0]


def files_of(feeds: Path, source: Source) -> Iterator[tuple[str, Path]]:
    """The feed files that a source reads, with their paths below the root."""
    for path in sorted(feeds.rglob("*")):
        name = path.relative_to(feeds).as_posix()
        if path.is_file() and source.accepts(name):
            yield name, path


def write_source(
    feeds: Path, source: Source, out: zstandard.ZstdCompressionWriter, left_out: Counter[str]
) -> int:
    """Write all rows of a source; how many advisories that were."""
    count = 0
    for name, path in files_of(feeds, source):
        data = path.read_bytes()
        fingerprint = hashlib.sha256(data).hexdigest()
        for item in source.parse(name, data):
            if isinstance(item, Skipped):
                left_out[item.reason[:80]] += 1
            elif isinstance(item, ParsedAdvisory):
                count += 1
                for line in lines(item, fingerprint=fingerprint):
                    out.write(line + b"\n")
    return count


def build(feeds: Path, target: Path) -> dict[str, int]:
    """Write the zip; advisories by bundle. The time of every bundle is that of its newest file."""
    counts: dict[str, int] = {}
    groups: dict[str, list[Source]] = {}
    for source in catalogue.sources():
        groups.setdefault(bundle_name(source), []).append(source)
    with (
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive,
        tempfile.TemporaryDirectory() as scratch,
    ):
        for name, sources in groups.items():
            newest = [path.stat().st_mtime for source in sources for _, path in files_of(feeds, source)]
            if not newest:
                continue
            part, left_out = Path(scratch) / f"{name}.json.zst", Counter[str]()
            with part.open("wb") as file, zstandard.ZstdCompressor(level=9).stream_writer(file) as out:
                counts[name] = sum(write_source(feeds, source, out, left_out) for source in sources)
            made = datetime.fromtimestamp(max(newest), UTC).timetuple()[:6]
            with archive.open(zipfile.ZipInfo(f"bundles/{part.name}", made), "w", force_zip64=True) as entry:
                entry.write(part.read_bytes())
            _report(name, counts[name], left_out)
    return counts


def wrap(vulnerabilities: Path, target: Path) -> None:
    """Write the offline bundle of this release around a bundle that `build` wrote."""
    release, form = WIRE_VERSION, VULNERABILITY_VERSION
    manifest = {"version": form, "release_versions": f"{release} {release.rpartition('.')[0]}"}
    with (
        tempfile.TemporaryDirectory() as scratch,
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as outer,
    ):
        inner, old = Path(scratch) / "v4.zip", Path(scratch) / "v2.zip"
        with zipfile.ZipFile(inner, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("manifest.json", json.dumps(manifest))
            archive.write(vulnerabilities, "vulnerabilities.zip")
        # A bundle without a part for the StackRox Scanner is refused; it may hold nothing.
        with zipfile.ZipFile(old, "w"):
            pass
        outer.write(old, "scanner-defs.zip")
        outer.write(inner, f"v4-definitions-{form}.zip")


def _report(name: str, count: int, left_out: Counter[str]) -> None:
    print(f"{name}: {count} advisories, {left_out.total()} parts left out")
    for reason, times in left_out.most_common(_MOST_REASONS):
        print(f"  {times:7d} {reason}")


def main() -> int:
    """The exit code: 0 when something was written."""
    if len(sys.argv) not in {3, 4}:
        print(__doc__, file=sys.stderr)
        return 2
    feeds, target, *offline = map(Path, sys.argv[1:])
    if not build(feeds, target):
        return 1
    for path in offline:
        wrap(target, path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
