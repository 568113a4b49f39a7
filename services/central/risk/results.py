"""The messages of a risk: its subject, its results, their factors. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pyrox.pb.storage.risk_pb2 import Risk, RiskSubject, RiskSubjectType
from services.central.risk.numbers import product

DEPLOYMENT, IMAGE = RiskSubjectType.DEPLOYMENT, RiskSubjectType.IMAGE


def result(name: str, score: float, messages: Iterable[str]) -> Risk.Result:
    """What one multiplier says."""
    return Risk.Result(name=name, score=score, factors=[Risk.Result.Factor(message=one) for one in messages])


def risk_id(kind: RiskSubjectType.ValueType, subject_id: str) -> str:
    """The id under which the risk of a subject is stored."""
    return f"{RiskSubjectType.Name(kind).lower()}:{subject_id}"


def risk_of(subject: RiskSubject, results: Iterable[Risk.Result | None]) -> Risk | None:
    """The risk with the product of all scores; None when no multiplier says anything."""
    said = [one for one in results if one is not None]
    if not said:
        return None
    score = product(one.score for one in said)
    return Risk(id=risk_id(subject.type, subject.id), subject=subject, score=score, results=said)
