"""A policy made of a search: what the search finds is what the policy reports.

`PolicyService` calls it. The conversions are upstream's
(pkg/booleanpolicy/query_to_field_value_mappers.go, central/policy/service/service_impl.go).
Nothing is stored; the person completes the policy first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import prod
from typing import Protocol

from pyrox.errors import Invalid
from pyrox.pb.api.v1.policy_service_pb2 import PolicyFromSearchResponse
from pyrox.pb.storage.cluster_pb2 import Cluster
from pyrox.pb.storage.policy_pb2 import EventSource, Policy, PolicyGroup
from pyrox.pb.storage.rbac_pb2 import PermissionLevel
from pyrox.pb.storage.scope_pb2 import Scope as PolicyScope
from pyrox.policy import values
from pyrox.policy.compile import MAX_VALUES
from pyrox.policy.fields import CRITERIA
from pyrox.policy.validate import CURRENT_VERSION
from pyrox.rpc.call import Call
from pyrox.rpc.scope import Scope
from services.central.db.query import Query
from services.central.policies.rules import allowed_stages

Terms = list[str]
# Values of the criterion, and whether something of the search was lost.
Mapper = Callable[[Sequence[str]], tuple[Terms, bool]]
_PLACES = ("cluster", "namespace", "deployment label")
_COMBINED = frozenset({"Image Component", "Dockerfile Line", "Environment Variable"})
_WHAT = "error creating policy from search string"


class Clusters(Protocol):
    """Finds clusters."""

    async def find(self, query: str = "", *, scope: Scope) -> list[Cluster]:
        """Those of the caller's scope."""


def _direct(terms: Sequence[str]) -> tuple[Terms, bool]:
    return list(terms), False


def _around(before: str, after: str) -> Mapper:
    return lambda terms: ([f"{before}{term}{after}" for term in terms], False)


def _pairs(terms: Sequence[str]) -> tuple[Terms, bool]:
    return [term if "=" in term else f"{term}=" for term in terms], False


def _compared(terms: Sequence[str]) -> tuple[Terms, bool]:
    mapped = []
    for term in terms:
        sign = next((one for one in (">=", "<=", ">", "<") if term.startswith(one)), "")
        mapped.append(f"{sign} {term[len(sign) :].strip()}" if sign else term.strip())
    return mapped, False


def _inverted(terms: Sequence[str]) -> tuple[Terms, bool]:
    opposite = {"true": "false", "false": "true"}
    mapped = [opposite[term.lower()] for term in terms if term.lower() in opposite]
    return mapped, len(mapped) < len(terms)


def _age(terms: Sequence[str]) -> tuple[Terms, bool]:
    fitting = [term for term in terms if term.startswith(">") and term.lower().endswith("d")]
    return [term[1:-1].strip() for term in fitting], len(fitting) < len(terms)


def _lowest_permission(terms: Sequence[str]) -> tuple[Terms, bool]:
    # Search means these levels, a policy means this level or more.
    for name in PermissionLevel.keys():  # noqa: SIM118 - protobuf's enum, by number
        if name in terms:
            return [name], True
    return [], False


_CRITERIA: dict[str, tuple[str, Mapper]] = {
    "component version": ("Image Component", _around("=", "")),
    "component": ("Image Component", _around("", "=")),
    "dockerfile instruction keyword": ("Dockerfile Line", _around("", "=")),
    "dockerfile instruction value": ("Dockerfile Line", _around("=", "")),
    "environment key": ("Environment Variable", _around("=", "=")),
    "environment value": ("Environment Variable", _around("==", "")),
    "environment variable source": ("Environment Variable", _around("", "==")),
    "deployment annotation": ("Disallowed Annotation", _pairs),
    "image label": ("Disallowed Image Label", _pairs),
    "volume readonly": ("Writable Mounted Volume", _inverted),
    "image created time": ("Image Age", _age),
    "image scan time": ("Image Scan Age", _age),
    "service account permission level": ("Minimum RBAC Permissions", _lowest_permission),
    "exposure level": ("Port Exposure Method", _direct),
    "add capabilities": ("Add Capabilities", _direct),
    "cve": ("CVE", _direct),
    "cvss": ("CVSS", _compared),
    "cpu cores limit": ("Container CPU Limit", _compared),
    "cpu cores request": ("Container CPU Request", _compared),
    "memory limit (mb)": ("Container Memory Limit", _compared),
    "memory request (mb)": ("Container Memory Request", _compared),
    "fixed by": ("Fixed By", _direct),
    "image registry": ("Image Registry", _direct),
    "image remote": ("Image Remote", _direct),
    "image tag": ("Image Tag", _direct),
    "port": ("Exposed Port", _direct),
    "privileged": ("Privileged Container", _direct),
    "process ancestor": ("Process Ancestor", _direct),
    "process arguments": ("Process Arguments", _direct),
    "process name": ("Process Name", _direct),
    "process uid": ("Process UID", _direct),
    "port protocol": ("Exposed Port Protocol", _direct),
    "read only root filesystem": ("Read-Only Root Filesystem", _direct),
    "volume destination": ("Volume Destination", _direct),
    "volume name": ("Volume Name", _direct),
    "volume source": ("Volume Source", _direct),
    "volume type": ("Volume Type", _direct),
}


class FromSearch:
    """Makes policies of searches."""

    def __init__(self, *, clusters: Clusters) -> None:
        self._clusters = clusters

    async def policy(self, text: str, call: Call) -> PolicyFromSearchResponse:
        """The policy, and the labels that it does not keep as they were. Raises `Invalid`."""
        if not text:
            raise Invalid.because(f"{_WHAT}: can not generate a policy from an empty query")
        terms = {term.label: [str(value) for value in term.values] for term in Query.parse(text).terms}
        answer = PolicyFromSearchResponse()
        groups = _groups(terms, answer)
        scopes = await self._scopes({label.lower(): found for label, found in terms.items()}, call)
        if not groups and not scopes:
            raise Invalid(f"{_WHAT}: after parsing there were no valid policy groups or scopes")
        policy = answer.policy
        policy.policy_version = CURRENT_VERSION
        policy.scope.extend(scopes)
        if groups:
            policy.policy_sections.add(policy_groups=groups)
        _choose_stages(policy)
        return answer

    async def _scopes(self, terms: dict[str, Terms], call: Call) -> list[PolicyScope]:
        if not any(place in terms for place in _PLACES):
            return []
        clusters = await self._cluster_ids(terms.get("cluster", []), call)
        labels, namespaces = terms.get("deployment label") or [""], terms.get("namespace") or [""]
        _bound(len(labels) * len(clusters) * len(namespaces))
        return [_scope(*places) for places in product(labels, clusters, namespaces)]

    async def _cluster_ids(self, names: Terms, call: Call) -> Terms:
        if not names:
            return [""]
        matchers = [values.text(name) for name in names]
        known = await self._clusters.find(scope=call.scope("Cluster"))
        found = [one.id for one in known if any(matcher(one.name) for matcher in matchers)]
        return sorted(found) or [""]


def _groups(terms: dict[str, Terms], answer: PolicyFromSearchResponse) -> list[PolicyGroup]:
    made: dict[str, list[Terms]] = {}
    for label in sorted(terms):
        if label.lower() in _PLACES:
            continue
        name, mapper = _CRITERIA.get(label.lower(), ("", _nothing))
        found, lossy = mapper(terms[label])
        if lossy or not found:
            answer.altered_search_terms.append(label)
        if found:
            made.setdefault(name, []).append(found)
    return [_group(name, lists) for name, lists in made.items()]


def _nothing(_: Sequence[str]) -> tuple[Terms, bool]:
    return [], True


def _group(name: str, lists: list[Terms]) -> PolicyGroup:
    group = PolicyGroup(field_name=name)
    # Other criteria come from one label each.
    for value in _combined([one for terms in lists for one in terms]) if name in _COMBINED else lists[0]:
        group.values.add(value=value)
    return group


def _combined(texts: Terms) -> Terms:
    """Every combination of the parts between the equals signs."""
    split = [text.split("=") for text in texts]
    columns: list[Terms] = [[] for _ in split[0]]
    for parts in split:
        for at, part in enumerate(parts[: len(columns)]):
            if part:
                columns[at].append(part)
    filled = [column or [""] for column in columns]
    _bound(prod(map(len, filled)))
    return ["=".join(parts) for parts in product(*filled)]


def _bound(count: int) -> None:
    if count > MAX_VALUES:
        raise Invalid(f"{_WHAT}: it gives {count} combinations, more than {MAX_VALUES}; narrow the search")


def _scope(label: str, cluster_id: str, namespace: str) -> PolicyScope:
    made = PolicyScope(cluster=cluster_id, namespace=namespace)
    key, _, value = label.partition("=")
    if key or value:
        made.label.key, made.label.value = key, value
    return made


def _choose_stages(policy: Policy) -> None:
    names = [group.field_name for section in policy.policy_sections for group in section.policy_groups]
    if any(CRITERIA[name].at_run_time for name in names):
        policy.event_source = EventSource.DEPLOYMENT_EVENT
    # The rules want a name, which is the person's to choose.
    policy.name = "Policy from Search"
    policy.lifecycle_stages.extend(allowed_stages(policy))
    policy.name = ""
