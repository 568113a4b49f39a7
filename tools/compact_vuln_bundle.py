"""Add the compact form to a vulnerability bundle, for Matchers of this release.

    python tools/compact_vuln_bundle.py IN.zip OUT.zip

Every `<name>.json.zst` of the zip is kept, and `<name>.copy.zst` with the same time stands
beside it: checked files in PostgreSQL's binary COPY form that load without parsing. A Matcher
of another release, or upstream's, takes the other form.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from services.scanner_matcher import compact, feed
from services.scanner_matcher.bundle import made_by, prepare

_ARGUMENTS = 3


def add(source: Path, target: Path) -> list[str]:
    """Write the new zip; the names of the bundles that have a compact form now."""
    names = []
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for entry in feed.entries(source):
            if entry.suffix != feed.SUFFIX:
                continue
            with tempfile.TemporaryDirectory() as place:
                directory = Path(place)
                file = directory / f"{entry.name}{feed.SUFFIX}"
                feed.extract(source, entry, file)
                made = directory / f"{entry.name}{compact.SUFFIX}"
                compact.write(prepare(str(file), place), made_by(), made)
                info = old.getinfo(entry.member)
                for path in (made, file):
                    member = zipfile.ZipInfo(path.name, info.date_time)
                    with path.open("rb") as content, new.open(member, "w", force_zip64=True) as out:
                        shutil.copyfileobj(content, out, 1 << 20)
            names.append(entry.name)
    return names


def main(arguments: list[str]) -> int:
    """0, or 2 for a command line that is not understood."""
    if len(arguments) != _ARGUMENTS:
        sys.stderr.write(f"usage: {arguments[0]} IN.zip OUT.zip\n")
        return 2
    for name in add(Path(arguments[1]), Path(arguments[2])):
        sys.stdout.write(f"{name}: compact\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
