"""`roxctl version`."""

from __future__ import annotations

from pyrox.version import WIRE_VERSION
from roxctl.app import App
from roxctl.cli import command as declare
from roxctl.cli import pass_app, switch
from roxctl.product import CHART_VERSION, platform_name


@declare("version", "Show the version of this client.")
@switch("--json", "as_json", help="Show all component versions as JSON.")
@pass_app
def command(app: App, *, as_json: bool) -> None:
    """Print it."""
    if not as_json:
        app.console.result(WIRE_VERSION)
        return
    import json  # noqa: PLC0415 - only here

    versions = {
        "CollectorVersion": WIRE_VERSION,
        "FactVersion": WIRE_VERSION,
        "GitCommit": "",
        "GoVersion": "",
        "MainVersion": WIRE_VERSION,
        "Platform": "/".join(platform_name()),
        "ScannerVersion": WIRE_VERSION,
        "ChartVersion": CHART_VERSION,
    }
    app.console.result(json.dumps(versions, indent=2))
