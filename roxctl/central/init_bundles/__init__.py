"""`roxctl central init-bundles`: the secrets with which a cluster joins."""

from roxctl.cli import Group

command = Group(
    "init-bundles",
    "Make, list and revoke the bundles with which clusters join.",
    {
        "fetch-ca": "roxctl.central.init_bundles.fetch_ca",
        "generate": "roxctl.central.init_bundles.generate",
        "list": "roxctl.central.init_bundles.listing",
        "revoke": "roxctl.central.init_bundles.revoke",
    },
)
