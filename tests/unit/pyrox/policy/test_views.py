"""What an unfolded image tells of all its texts at once, against asking for each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrox.pb.storage.deployment_pb2 import Deployment
from pyrox.pb.storage.image_pb2 import Image
from pyrox.policy.fields import CRITERIA
from pyrox.policy.leaves import LEAVES, Node
from pyrox.policy.plan import link
from pyrox.policy.subject import DeploymentSubject
from pyrox.policy.views import ContainerView, RootView, Words

_TEXT = st.text(alphabet="aB\t\n\u212ak-", max_size=3)
_PATTERNS = st.lists(
    st.sampled_from(["a", "B|k", "k", "a-.*", "", "r/a", "c/a", r"\-"]), min_size=1, max_size=2
)


@pytest.mark.parametrize(
    ("texts", "lack"),
    [
        (["a", "B"], False),
        (["c"], True),
        ([], True),
        (["c", "\u212a"], False),
        (["c\n"], False),
        (["c\t"], False),
    ],
)
def test_words_say_only_of_usual_texts_what_they_lack(texts: list[str], lack: bool) -> None:
    assert Words(texts).lack(frozenset({"a", "b"})) is lack


def _image(name: str, version: str, cve: str) -> DeploymentSubject:
    image = Image()
    image.scan.components.add(name=name, version=version).vulns.add(cve=cve)
    deployment = Deployment()
    deployment.containers.add(name="main")
    return DeploymentSubject(deployment, [image])


@given(_PATTERNS, _TEXT)
def test_cve_is_found_as_by_asking_for_each(wanted: list[str], cve: str) -> None:
    (query, *_) = CRITERIA["CVE"].build(wanted, False, False)
    found = link([query], LEAVES, Node.ROOT).match(RootView(_image("a", "1", cve)), 0)
    assert (found is not None) is query.fits(cve, 0)


@given(_PATTERNS, _PATTERNS, _TEXT, _TEXT)
def test_component_is_found_as_by_asking_for_each(
    names: list[str], versions: list[str], name: str, version: str
) -> None:
    texts = [f"{first}={second}" for first, second in zip(names, versions, strict=False)]
    (query,) = CRITERIA["Image Component"].build(texts, False, False)
    found = link([query], LEAVES, Node.ROOT).match(RootView(_image(name, version, "")), 0)
    assert (found is not None) is query.fits(f"{name}\t{version}", 0)


def test_container_without_an_image_lacks_every_word() -> None:
    view = ContainerView(0, None, None)
    assert view.cves.lack(frozenset({""}))
    assert view.packages.lack(frozenset({""}))
    assert list(view.vuln_pairs) == []


def test_images_that_containers_share_are_unfolded_once() -> None:
    subject = _image("a", "1", "CVE-1")
    subject.deployment.containers.add(name="second")
    root = RootView(DeploymentSubject(subject.deployment, [subject.images[0]] * 2))
    first, second = root.containers
    assert first.view is second.view
    assert [vuln.cve for _component, vuln in second.vuln_pairs] == ["CVE-1"]
