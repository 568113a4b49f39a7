"""`roxctl scanner`: Vulnerability definitions of the scanners."""

from roxctl.cli import Group

command = Group(
    "scanner",
    "Manage the scanners' vulnerability definitions.",
    {
        "download-db": "roxctl.scanner.download_db",
        "upload-db": "roxctl.scanner.upload_db",
    },
)
