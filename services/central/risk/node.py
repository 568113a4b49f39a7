"""The risk of a node: the vulnerabilities of what is installed on it. Pure.

Whoever stores a scanned node calls it. Names, formula and words of the factor are
upstream's (central/risk/multipliers/node).
"""

from __future__ import annotations

from pyrox.pb.storage.node_pb2 import Node
from pyrox.pb.storage.risk_pb2 import Risk, RiskSubject, RiskSubjectType
from pyrox.policy.quoting import quote
from services.central.risk.results import result, risk_of
from services.central.risk.vulnerabilities import of_node_component, weigh

VULNERABILITIES = "Node Vulnerabilities"


def node_risk(node: Node) -> Risk | None:
    """The risk of a node; None when it was not scanned, or nothing was found."""
    weight = weigh(map(of_node_component, node.scan.components))
    if not weight.count:
        return None
    subject = RiskSubject(id=node.id, cluster_id=node.cluster_id, type=RiskSubjectType.NODE)
    text = f"Node {quote(node.name)} {weight.text}"
    return risk_of(subject, [result(VULNERABILITIES, weight.score, [text])])


def set_scores(node: Node) -> Risk | None:
    """Write the scores of a node and of its components into it; its risk."""
    risk = node_risk(node)
    node.risk_score = risk.score if risk is not None else 0.0
    for component in node.scan.components:
        weight = weigh([of_node_component(component)])
        component.risk_score = weight.score if weight.count else 0.0
    return risk
