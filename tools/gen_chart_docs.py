"""Write what is made from the charts' values.yaml: schema, README's table, defaults for templates.

Run by `make charts`; `--check` fails when a committed file is out of date. It also keeps
the named templates that both charts share equal, and the charts' versions.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
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


def made(chart: Path, source: Path) -> Iterator[tuple[Path, str]]:
    """Each file of a chart that is made, with its text; `source` is the chart that holds what is shared."""
    values = chart_values.load(chart / "values.yaml")
    title = yaml.safe_load((chart / "Chart.yaml").read_text())["name"]
    schema = chart_schema.build(values, title=f"Values of {title}")
    yield chart / "values.schema.json", json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
    readme = chart / "README.md"
    page = readme.read_text() if readme.exists() else f"# {title}\n\n## Values\n\n{BEGIN}\n{END}\n"
    yield readme, between_markers(page, table(values))
    yield chart / "files" / "defaults.json", defaults(values)
    if chart != source:
        yield chart / SHARED, (source / SHARED).read_text()


def defaults(root: chart_values.Value) -> str:
    """All defaults, for the template `pyrox.init`, which cannot read values.yaml itself."""
    open_maps = [value.path for value in _all(root) if isinstance(value.default, dict) and value.is_open]
    return json.dumps({"open": open_maps, "values": root.default}, indent=1, ensure_ascii=False) + "\n"


def _all(value: chart_values.Value) -> Iterator[chart_values.Value]:
    yield value
    for child in value.described_children:
        yield from _all(child)


def between_markers(page: str, text: str) -> str:
    """The page with the text between its markers."""
    head, rest = page.split(BEGIN)
    return f"{head}{BEGIN}\n{text}{END}{rest.split(END, 1)[1]}"


def table(root: chart_values.Value) -> str:
    """Every value, one table for each top-level key that has keys of its own."""
    simple = [value for value in root.children if not value.described_children]
    parts = ["", "| Value | Default | Meaning |", "|---|---|---|", *map(_row, simple)]
    for value in root.children:
        if value.described_children:
            parts += ["", f"### `{value.path}`", "", value.description, ""]
            parts += ["| Value | Default | Meaning |", "|---|---|---|"]
            parts += [_row(leaf) for child in value.described_children for leaf in _leaves(child)]
    return "\n".join(parts) + "\n"


def _leaves(value: chart_values.Value) -> Iterator[chart_values.Value]:
    for child in value.described_children:
        yield from _leaves(child)
    if not value.described_children:
        yield value


def _row(value: chart_values.Value) -> str:
    default = json.dumps(value.default, ensure_ascii=False)
    shown = f"`{default}`" if len(default) <= _LONGEST_DEFAULT else "see values.yaml"
    return f"| `{value.path}` | {_cell(shown)} | {_cell(value.description)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def wrong_versions(charts: list[Path]) -> Iterator[str]:
    """Charts that do not bear the release whose interfaces we serve, or our own version."""
    _, minor, patch = WIRE_VERSION.split(".")
    product = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for chart in charts:
        about: dict[str, Any] = yaml.safe_load((chart / "Chart.yaml").read_text())
        wanted = {"appVersion": product, "version": f"400.{minor}.{patch}"}
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
    complaints = list(wrong_versions(charts))
    stale = []
    for chart in charts:
        try:
            texts = list(made(chart, charts[0]))
        except chart_values.Undescribed as err:
            complaints.append(f"{chart.name}/values.yaml: {err}")
            continue
        stale += [(path, text) for path, text in texts if not path.exists() or path.read_text() != text]
    if args.check:
        complaints += [f"{path.relative_to(ROOT)} is out of date; run `make charts`" for path, _ in stale]
    else:
        for path, text in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
