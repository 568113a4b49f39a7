"""Make a vulnerability bundle in upstream's form from live feeds or a directory of them.

    python tools/build_vuln_bundle.py FEEDS OUT.zip [OFFLINE.zip]
    python tools/build_vuln_bundle.py --fetch --feed debian --feed osv=https://mirror/osv FEEDS OUT.zip

FEEDS is laid out like the live feeds (`osv/PyPI/all.zip`, `debian/tracker.json`,
`alpine/v3.11/main.json` …). With `--fetch` it is first brought up to date: only what changed
is fetched, and only bundles whose files changed are written anew. What is left out is counted
by source and reason, also in `OUT.zip.provenance.json`. With a third path the bundle is also
put into the form that Central takes as an upload.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tools.vulnbundle import feeds as table
from tools.vulnbundle.fetch import Fetcher, FetchError
from tools.vulnbundle.offline import wrap
from tools.vulnbundle.write import Bundle, build

_MOST_REASONS = 8
_TIMEOUT_SECONDS = 60.0


def wanted(names: Sequence[str]) -> Mapping[str, str]:
    """The feeds to fetch with their addresses; all that have one when none is named.

    Raises:
        ValueError: a feed that is not known, or one whose address must be given and is not.
    """
    if not names:
        return table.ADDRESSES
    found = {}
    for text in names:
        name, _, address = text.partition("=")
        address = address or table.ADDRESSES.get(name, "")
        if name not in table.ADDRESSES and name not in table.WITHOUT_ADDRESS:
            known = ", ".join(sorted({*table.ADDRESSES, *table.WITHOUT_ADDRESS}))
            raise ValueError(f"unknown feed {name!r}: one of {known}")
        if not address:
            raise ValueError(f"feed {name} has no address of its own: give {name}=https://…")
        found[name] = address.rstrip("/")
    return found


def fetch_all(fetcher: Fetcher, addresses: Mapping[str, str], folder: Path) -> list[str]:
    """Bring every feed up to date; what went wrong, feed by feed. The others go on."""
    problems = []
    today = datetime.now(UTC).date()
    for feed, base in addresses.items():
        try:
            counts = table.fetch(fetcher, feed, base, folder, today)
        except (FetchError, LookupError, OSError) as error:
            problems.append(f"{feed}: {error}")
            print(f"{feed}: {error}", file=sys.stderr)
        else:
            print(f"{feed}: " + ", ".join(f"{n} {outcome.value}" for outcome, n in counts.items()))
        fetcher.save()
    return problems


def report(bundle: Bundle) -> None:
    """Print what a bundle holds and what was left out."""
    total = sum(bundle.left_out.values())
    print(f"{bundle.name}: {bundle.advisories} advisories, {bundle.lines} lines, {total} parts left out")
    for reason, times in list(bundle.left_out.items())[:_MOST_REASONS]:
        print(f"  {times:7d} {reason}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when everything was fetched and something was written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("feeds", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("offline", type=Path, nargs="?", help="also in the form for an upload to Central")
    parser.add_argument("--fetch", action="store_true", help="bring the directory up to date first")
    parser.add_argument("--feed", action="append", default=[], metavar="NAME[=ADDRESS]", help="only these")
    parser.add_argument("--cache", type=Path, help="keep finished bundles here for the next run")
    options = parser.parse_args(arguments)
    try:
        addresses = wanted(options.feed)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    with httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=True) as client:
        fetcher = Fetcher(options.feeds, client, now=lambda: datetime.now(UTC), sleep=time.sleep)
        problems = fetch_all(fetcher, addresses, options.feeds) if options.fetch else []
    made = build(options.feeds, options.target, fetcher.answers, options.cache)
    for bundle in made:
        report(bundle)
    if options.offline is not None and made:
        wrap(options.target, options.offline)
    return 1 if problems or not made else 0


if __name__ == "__main__":
    sys.exit(main())
