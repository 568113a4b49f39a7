"""The Helm charts that came with this installation, as files by name.

`/api/extensions/helm-charts` and the bundle of a secured cluster give them out. They lie
where `roxctl` has them: a wheel and an image put `deploy/helm` there (pyproject.toml,
deploy/images/install/application.py). It must not know how a chart is rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pyrox.errors import NotFound

SECURED = "secured-cluster-services"
NAMES = ("central-services", SECURED)
_ROOT = Path(__file__).resolve().parents[2]


class Charts:
    """Charts by name, from the first of some directories that has them."""

    def __init__(self, *places: Path) -> None:
        self._places = places

    @classmethod
    def installed(cls) -> Charts:
        """Those beside this package: of a wheel or an image, else of the checkout."""
        return cls(_ROOT / "roxctl" / "helm" / "files", _ROOT / "deploy" / "helm")

    def files(self, name: str) -> Mapping[str, bytes]:
        """Every file of a chart by its path, without what is only for the chart's own tests.

        Raises `NotFound` for another name, or when the installation came without charts.
        """
        chart = _first(self._places, name) if name in NAMES else None
        if chart is None:
            raise NotFound.because(f"chart {name} is not part of this installation")
        found = {path.relative_to(chart): path for path in sorted(chart.rglob("*")) if path.is_file()}
        return {inside.as_posix(): path.read_bytes() for inside, path in found.items() if _given(inside)}


def _first(places: Sequence[Path], name: str) -> Path | None:
    return next((place / name for place in places if (place / name / "Chart.yaml").is_file()), None)


def _given(inside: Path) -> bool:
    """Whether users need the file: not values files of tests, nor what Python compiled."""
    return inside.parts[0] != "ci" and "__pycache__" not in inside.parts
