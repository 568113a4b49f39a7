"""The README of a bundle: how to install it. Also told after the files are written."""

from __future__ import annotations

from pyrox.mtls.identity import NAMESPACE
from roxctl.central.generate.render import RELEASE
from roxctl.central.generate.wanted import Wanted

_HELM = """\
  - Run
      helm install -n {namespace} --create-namespace {release} {chart} \\
        -f {folder}values-public.yaml -f {folder}values-private.yaml
"""
_CHART = """\
  - Fetch the chart
      roxctl helm output central-services --output-dir chart
"""
_KUBECTL = """\
  - Run
      {command} create -R -f central
  - Once the Job stackrox-bootstrap is complete, remove it and what it was given
      {command} -n {namespace} delete job/stackrox-bootstrap
      {command} -n {namespace} delete secret/stackrox-bootstrap-input --ignore-not-found

Installing with Helm instead makes upgrades easier. All that it takes is in the folder helm:

"""
_LOGIN = """
Log in as user "admin" with the password in the file "password" beside this README.
"""
_NO_LOGIN = """
There is no login by password: set up another way to log in, by declarative configuration.
"""
_SECRETS = """\
The files that only you may read hold secrets: keep them as you keep other credentials, and remove them
when they are not needed any more. Keys and certificates that are not in them are made in
the cluster.
"""


def text(wanted: Wanted) -> str:
    """The whole page."""
    words = {"namespace": NAMESPACE, "release": RELEASE, "command": "oc" if wanted.openshift else "kubectl"}
    told = "To deploy:\n"
    if wanted.format == "kubectl":
        told += _KUBECTL.format(**words) + _HELM.format(chart="helm/chart", folder="helm/", **words)
    else:
        told += _CHART if wanted.format == "helm-values" else ""
        told += _HELM.format(chart="./chart", folder="", **words)
    told += _LOGIN if wanted.password else _NO_LOGIN
    return f"{told}\n{_SECRETS}"
