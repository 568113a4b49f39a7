"""The risk of an image: four multipliers over its scan and its age. Pure.

`ImageStore` calls it with every image that it writes. Names, formulas and words of the
factors are upstream's (central/risk/multipliers/image).
"""

from __future__ import annotations

from datetime import datetime

from pyrox.pb.storage.image_pb2 import Image
from pyrox.pb.storage.risk_pb2 import Risk, RiskSubject
from pyrox.policy.quoting import quote
from services.central.risk.numbers import single
from services.central.risk.results import IMAGE, result, risk_of
from services.central.risk.vulnerabilities import of_image_component, weigh

VULNERABILITIES = "Image Vulnerabilities"
USEFUL_COMPONENTS = "Components Useful for Attackers"
COMPONENT_COUNT = "Number of Components in Image"
FRESHNESS = "Image Freshness"

_USEFUL = frozenset(
    ("apk", "apt", "bash", "curl", "dnf", "netcat", "nmap", "rpm", "sh", "tcsh", "telnet", "wget", "yum")
)
_MOST = 1.5
_NAMED = 5
_COUNT_FLOOR, _COUNT_RANGE = 10, 10
_AGE_FLOOR, _AGE_RANGE = 90, 180
_DAY = 86_400


def image_risk(image: Image, subject_id: str, now: datetime) -> Risk | None:
    """The risk of an image, stored under `subject_id`; None when nothing speaks against it."""
    subject = RiskSubject(id=subject_id, type=IMAGE)
    return risk_of(
        subject, (_vulnerabilities(image), _useful(image), _component_count(image), _age(image, now))
    )


def set_scores(image: Image, risk: Risk | None) -> None:
    """Write the scores of an image and of its components into it."""
    image.risk_score = risk.score if risk is not None else 0.0
    for component in image.scan.components:
        weight = weigh([of_image_component(component)])
        component.risk_score = weight.score if weight.count else 0.0


def _vulnerabilities(image: Image) -> Risk.Result | None:
    weight = weigh(map(of_image_component, image.scan.components))
    if not weight.count:
        return None
    return result(VULNERABILITIES, weight.score, [f"Image {quote(image.name.full_name)} {weight.text}"])


def _useful(image: Image) -> Risk.Result | None:
    found = sorted(_USEFUL & {component.name for component in image.scan.components})
    if not found:
        return None
    score = min(single(1 + single(single(len(found) / 10) / 2)), _MOST)
    return result(USEFUL_COMPONENTS, score, [f"{_name(image)} {_useful_text(found)}"])


def _useful_text(found: list[str]) -> str:
    if len(found) == 1:
        return f"contains component {found[0]}"
    if len(found) <= _NAMED:
        return f"contains components useful for attackers: {', '.join(found)}"
    others = len(found) - _NAMED
    return (
        f"contains components: {', '.join(found[:_NAMED])} and {others} other(s)"
        " that are useful for attackers"
    )


def _component_count(image: Image) -> Risk.Result | None:
    count = len({f"{one.name}:{one.version}" for one in image.scan.components})
    if count < _COUNT_FLOOR:
        return None
    score = min(single(1 + single(single((count - _COUNT_FLOOR) / _COUNT_RANGE) / 2)), _MOST)
    return result(COMPONENT_COUNT, score, [f"{_name(image)} contains {count} components"])


def _age(image: Image, now: datetime) -> Risk.Result | None:
    if not image.metadata.v1.HasField("created"):
        return None
    # Seconds and not dates: a registry may name a time that no date can hold.
    days = int((now.timestamp() - image.metadata.v1.created.seconds) / _DAY)
    if days < _AGE_FLOOR:
        return None
    score = min(single(1 + single(single((days - _AGE_FLOOR) / _AGE_RANGE) * (_MOST - 1))), _MOST)
    return result(FRESHNESS, score, [f"{_name(image)} is {days} days old"])


def _name(image: Image) -> str:
    return f"Image {quote(image.name.full_name)}" if image.name.full_name else "An image"
