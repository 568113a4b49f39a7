"""CVSS vectors to `storage.CVSSV2` and `storage.CVSSV3`: pure.

The arithmetic is the `cvss` library's; the names of metrics are upstream's enums.
"""

from __future__ import annotations

import cvss
from cvss.exceptions import CVSSError

from pyrox.pb.storage.cve_pb2 import CVSSV2, CVSSV3

_V3 = {
    "attack_vector": (
        "AV",
        {"N": "ATTACK_NETWORK", "A": "ATTACK_ADJACENT", "L": "ATTACK_LOCAL", "P": "ATTACK_PHYSICAL"},
    ),
    "attack_complexity": ("AC", {"L": "COMPLEXITY_LOW", "H": "COMPLEXITY_HIGH"}),
    "privileges_required": ("PR", {"N": "PRIVILEGE_NONE", "L": "PRIVILEGE_LOW", "H": "PRIVILEGE_HIGH"}),
    "user_interaction": ("UI", {"N": "UI_NONE", "R": "UI_REQUIRED"}),
    "scope": ("S", {"U": "UNCHANGED", "C": "CHANGED"}),
    "confidentiality": ("C", {"N": "IMPACT_NONE", "L": "IMPACT_LOW", "H": "IMPACT_HIGH"}),
    "integrity": ("I", {"N": "IMPACT_NONE", "L": "IMPACT_LOW", "H": "IMPACT_HIGH"}),
    "availability": ("A", {"N": "IMPACT_NONE", "L": "IMPACT_LOW", "H": "IMPACT_HIGH"}),
}
_V2 = {
    "attack_vector": ("AV", {"N": "ATTACK_NETWORK", "A": "ATTACK_ADJACENT", "L": "ATTACK_LOCAL"}),
    "access_complexity": ("AC", {"H": "ACCESS_HIGH", "M": "ACCESS_MEDIUM", "L": "ACCESS_LOW"}),
    "authentication": ("Au", {"M": "AUTH_MULTIPLE", "S": "AUTH_SINGLE", "N": "AUTH_NONE"}),
    "confidentiality": ("C", {"N": "IMPACT_NONE", "P": "IMPACT_PARTIAL", "C": "IMPACT_COMPLETE"}),
    "integrity": ("I", {"N": "IMPACT_NONE", "P": "IMPACT_PARTIAL", "C": "IMPACT_COMPLETE"}),
    "availability": ("A", {"N": "IMPACT_NONE", "P": "IMPACT_PARTIAL", "C": "IMPACT_COMPLETE"}),
}


def severity_v3(score: float) -> CVSSV3.Severity.ValueType:
    """The qualitative rating of CVSS 3, section 5."""
    if score <= 0:
        return CVSSV3.Severity.NONE
    if score < 4:
        return CVSSV3.Severity.LOW
    if score < 7:
        return CVSSV3.Severity.MEDIUM
    return CVSSV3.Severity.HIGH if score < 9 else CVSSV3.Severity.CRITICAL


def severity_v2(score: float) -> CVSSV2.Severity.ValueType:
    """The qualitative rating that NVD gives CVSS 2 scores."""
    if score < 4:
        return CVSSV2.Severity.LOW
    return CVSSV2.Severity.MEDIUM if score < 7 else CVSSV2.Severity.HIGH


def v3(vector: str, score: float) -> CVSSV3 | None:
    """The message of a CVSS 3 vector; None when the vector cannot be read."""
    try:
        parsed = cvss.CVSS3(vector)
    except CVSSError:
        return None
    made = CVSSV3(vector=vector, score=score, severity=severity_v3(score))
    made.exploitability_score = round(float(parsed.esc), 1)
    made.impact_score = round(max(float(parsed.isc), 0.0), 1)
    _fill(made, parsed.metrics, _V3)
    return made


def v2(vector: str, score: float) -> CVSSV2 | None:
    """The message of a CVSS 2 vector; None when the vector cannot be read."""
    try:
        parsed = cvss.CVSS2(vector)
    except CVSSError:
        return None
    made = CVSSV2(vector=vector, score=score, severity=severity_v2(score))
    made.exploitability_score, made.impact_score = _subscores_v2(parsed)
    _fill(made, parsed.metrics, _V2)
    return made


def _subscores_v2(parsed: cvss.CVSS2) -> tuple[float, float]:
    """Exploitability and impact by the equations of the CVSS 2 guide, section 3.2.1."""
    c, i, a = (float(parsed.get_value(metric)) for metric in ("C", "I", "A"))
    av, ac, au = (float(parsed.get_value(metric)) for metric in ("AV", "AC", "Au"))
    return round(20 * av * ac * au, 1), round(10.41 * (1 - (1 - c) * (1 - i) * (1 - a)), 1)


def _fill(
    made: CVSSV2 | CVSSV3, metrics: dict[str, str], table: dict[str, tuple[str, dict[str, str]]]
) -> None:
    for field, (metric, names) in table.items():
        if name := names.get(metrics.get(metric, "")):
            setattr(made, field, name)
