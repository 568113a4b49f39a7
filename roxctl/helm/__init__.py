"""`roxctl helm`: the charts that install PyRox."""

from roxctl.cli import Group

command = Group("helm", "Charts for Helm.", {"output": "roxctl.helm.output"})
