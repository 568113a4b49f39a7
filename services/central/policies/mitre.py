"""Attack vectors of a policy with what the MITRE catalogue says about them.

`PolicyService` calls it. Ids that the catalogue lacks are kept and stay without words.
"""

from __future__ import annotations

from pyrox.pb.storage.mitre_pb2 import MitreAttackVector, MitreTactic, MitreTechnique
from pyrox.pb.storage.policy_pb2 import Policy
from pyrox.policy import defaults


def mitre_vectors(policy: Policy) -> list[MitreAttackVector]:
    """One vector per tactic, in the policy's order."""
    tactics = {tactic.id: tactic for tactic in defaults.load_tactics()}
    techniques = {technique.id: technique for technique in defaults.load_techniques()}
    return [
        MitreAttackVector(
            tactic=tactics.get(vector.tactic) or MitreTactic(id=vector.tactic),
            techniques=[techniques.get(one) or MitreTechnique(id=one) for one in vector.techniques],
        )
        for vector in policy.mitre_attack_vectors
    ]
