"""Write what is made from the charts' values.yaml: values.schema.json and the README's table.

Run by `make charts`; `--check` fails when a committed file is out of date. It also keeps
the named templates that both charts share equal, and the charts' appVersion.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import yaml  # noqa: E402 - after the path

from pyrox.version import WIRE_VERSION  # noqa: E402
from tools import chart_schema, chart_values  # noqa: E402

HELM = ROOT / "deploy" / "helm"
SHARED = "templates/_pyrox.tpl"
BEGIN, END = "<!-- made by tools/gen_chart_docs.py: begin -->", "<!-- end -->"
# Longer defaults (whole configuration files, size tables) are read in values.yaml itself.
_LONGEST_DEFAULT = 60


def made(charts: list[Path]) -> Iterator[tuple[Path, str]]:
    """Each file that is made, with the text that it should have."""
    for chart in charts:
        values = chart_values.load(chart / "values.yaml")
        title = yaml.safe_load((chart / "Chart.yaml").read_text())["name"]
        schema = chart_schema.build(values, title=f"Values of {title}")
        yield chart / "values.schema.json", json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        page = (chart / "README.md").read_text()
        yield chart / "README.md", between_markers(page, table(values))
        if chart != charts[0]:
            yield chart / SHARED, (charts[0] / SHARED).read_text()


def between_markers(page: str, text: str) -> str:
    """The page with the text between its markers."""
    head, rest = page.split(BEGIN)
    return f"{head}{BEGIN}\n{text}{END}{rest.split(END, 1)[1]}"


def table(root: chart_values.Value) -> str:
    """Every value, one table for each top-level key that has keys of its own."""
    simple = [value for value in root.children if not value.children]
    parts = ["", "| Value | Default | Meaning |", "|---|---|---|", *map(_row, simple)]
    for value in root.children:
        if value.children:
            parts += ["", f"### `{value.path}`", "", value.description, ""]
            parts += ["| Value | Default | Meaning |", "|---|---|---|"]
            parts += [_row(leaf) for child in value.children for leaf in _leaves(child)]
    return "\n".join(parts) + "\n"


def _leaves(value: chart_values.Value) -> Iterator[chart_values.Value]:
    if value.children and not value.schema.get("x-one-row"):
        for child in value.children:
            yield from _leaves(child)
    else:
        yield value


def _row(value: chart_values.Value) -> str:
    default = json.dumps(value.default, ensure_ascii=False)
    shown = f"`{default}`" if len(default) <= _LONGEST_DEFAULT else "see values.yaml"
    return f"| `{value.path}` | {_cell(shown)} | {_cell(value.description)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def wrong_versions(charts: list[Path]) -> Iterator[str]:
    """Charts whose appVersion is not the release whose interfaces we serve."""
    _, minor, patch = WIRE_VERSION.split(".")
    for chart in charts:
        about: dict[str, Any] = yaml.safe_load((chart / "Chart.yaml").read_text())
        wanted = {"appVersion": WIRE_VERSION, "version": f"400.{minor}.{patch}"}
        for key, value in wanted.items():
            if about.get(key) != value:
                yield f"{chart.name}/Chart.yaml: {key} should be {value}"


def main() -> int:
    """Write the files, or with `--check` compare them; 1 when one is out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file is out of date")
    args = parser.parse_args()
    # The central chart comes first: it holds the source of what the charts share.
    charts = sorted(path.parent for path in HELM.glob("*/Chart.yaml"))
    try:
        stale = [(path, text) for path, text in made(charts) if not path.exists() or path.read_text() != text]
    except chart_values.Undescribed as err:
        print(err)
        return 1
    complaints = list(wrong_versions(charts))
    if args.check:
        complaints += [f"{path.relative_to(ROOT)} is out of date; run `make charts`" for path, _ in stale]
    else:
        for path, text in stale:
            path.write_text(text)
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
