"""Where the charts lie: in the installed package, else in the checkout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from roxctl.errors import CliError

NAMES = ("central-services", "secured-cluster-services")
# pyproject.toml puts deploy/helm there when a wheel is built, tools/images when an image is.
_INSTALLED = Path(__file__).parent / "files"
_CHECKOUT = Path(__file__).resolve().parents[2] / "deploy" / "helm"


def folder(name: str) -> Path:
    """The chart's directory. Raises `CliError` for another name, or when this roxctl came without charts."""
    if name not in NAMES:
        raise CliError("unknown chart, see --help for list of supported chart names")
    for place in (_INSTALLED, _CHECKOUT):
        if (place / name / "Chart.yaml").is_file():
            return place / name
    raise CliError(f"this roxctl was installed without the chart {name}; install it from a release")


def files(chart: Path) -> Iterator[tuple[str, bytes]]:
    """Every file by its path in the chart; what is only for the chart's own tests is left out."""
    for path in sorted(chart.rglob("*")):
        inside = path.relative_to(chart)
        if path.is_file() and inside.parts[0] != "ci":
            yield inside.as_posix(), path.read_bytes()
