from __future__ import annotations

from services.bootstrap.config import Release
from services.bootstrap.metadata import annotations_of, labels_of
from services.bootstrap.wanted import CENTRAL

BY_NAME = {one.name: one for one in CENTRAL}
RELEASE = Release("stackrox-central-services", "mine", "stackrox-central-services-400.11.1+a", "4.11.1")


def test_labels_of_a_certificate_are_those_of_the_chart() -> None:
    assert labels_of(BY_NAME["scanner-v4-db-tls"], RELEASE) == {
        "app.kubernetes.io/name": "stackrox",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/instance": "mine",
        "app.kubernetes.io/version": "4.11.1",
        "app.kubernetes.io/part-of": "stackrox-central-services",
        "app.kubernetes.io/component": "scanner-v4",
        "helm.sh/chart": "stackrox-central-services-400.11.1_a",
        "rhacs.redhat.com/tls": "true",
    }


def test_labels_leave_out_what_is_not_known() -> None:
    assert labels_of(BY_NAME["central-db-password"], Release("stackrox-central-services")) == {
        "app.kubernetes.io/name": "stackrox",
        "app.kubernetes.io/managed-by": "bootstrap",
        "app.kubernetes.io/part-of": "stackrox-central-services",
        "app.kubernetes.io/component": "central",
    }


def test_label_is_never_longer_than_kubernetes_allows() -> None:
    long = Release("p", "r", "c" * 100, "1")
    assert len(labels_of(BY_NAME["central-tls"], long)["helm.sh/chart"]) == 63


def test_annotations_keep_the_secret_and_name_the_release() -> None:
    assert annotations_of(RELEASE, "acs") == {
        "helm.sh/resource-policy": "keep",
        "owner": "stackrox",
        "email": "support@stackrox.com",
        "meta.helm.sh/release-name": "mine",
        "meta.helm.sh/release-namespace": "acs",
    }
    assert "meta.helm.sh/release-name" not in annotations_of(Release("p"), "acs")
