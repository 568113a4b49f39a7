"""`roxctl sbom`: Scan bills of materials."""

from roxctl.cli import Group

command = Group("sbom", "Scan bills of materials.", {"scan": "roxctl.sbom.scan"})
