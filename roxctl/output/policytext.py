"""The outputs that image and deployment checks share: a policy summary in each form."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf import json_format
from google.protobuf.message import Message

from roxctl.console import Console
from roxctl.errors import CliError, quoted
from roxctl.output import jsontext, junit, sarif
from roxctl.output.choice import Choice
from roxctl.results.policies import SEVERITIES, TOTAL, PolicySummary


def bullets(texts: Sequence[str]) -> str:
    """One line for each text."""
    return "\n".join(f"- {text}" for text in texts)


def render(
    choice: Choice, summary: PolicySummary, *, headers: Sequence[str], entity: str, with_deployment: bool
) -> str:
    """The summary in the chosen form; `entity` is what SARIF points at."""
    if choice.form == "json":
        return jsontext.render(summary.json, compact=choice.compact)
    if choice.form == "junit":
        cases = [
            junit.TestCase(policy.name, bullets(policy.violations) if policy.breaks else None)
            for _, policy in summary.policies
        ]
        return junit.render(choice.suite, cases)
    if choice.form == "sarif":
        return sarif.render(sarif.POLICIES, entity, _findings(summary))
    return choice.tabular(headers, _rows(summary, with_deployment=with_deployment))


def _rows(summary: PolicySummary, *, with_deployment: bool) -> list[tuple[str, ...]]:
    return [
        (
            policy.name,
            policy.severity,
            "X" if policy.breaks else "-",
            *((entity.info.get("name", ""),) if with_deployment else ()),
            policy.description,
            bullets(policy.violations),
            policy.remediation,
        )
        for entity, policy in summary.policies
    ]


def _findings(summary: PolicySummary) -> list[sarif.Finding]:
    return [
        sarif.Finding(
            rule=policy.name,
            severity=policy.severity,
            facts={
                "Policy": policy.name,
                "Severity": policy.severity,
                "Violations": bullets(policy.violations),
                "Remediation": policy.remediation,
            },
        )
        for _, policy in summary.policies
    ]


def tell_counts(console: Console, about: str, summary: PolicySummary) -> None:
    """The two lines above a table."""
    console.result(f"Policy check results for {about}")
    shown = ", ".join(f"{key}: {summary.counts[key]}" for key in (TOTAL, *SEVERITIES))
    console.result(f"({shown})\n")


def tell_violations(console: Console, summary: PolicySummary, *, with_deployment: bool) -> None:
    """What a table's reader has to know besides: how many, and how to mend what breaks."""
    total = summary.counts[TOTAL]
    if not total:
        return
    console.warn(f"A total of {total} policies have been violated")
    if not summary.breaking:
        return
    console.error(str(breaking(summary)))
    for entity, policy in summary.policies:
        if policy.breaks:
            where = f" within Deployment {quoted(entity.info.get('name', ''))}" if with_deployment else ""
            console.error(
                f"Policy {quoted(policy.name)}{where} - Possible remediation: {quoted(policy.remediation)}"
            )


def breaking(summary: PolicySummary) -> CliError:
    """The failure that policies cause."""
    return CliError(f"failed policies found: {summary.breaking} policies violated that are failing the check")


def old_json(message: Message) -> str:
    """The form of `--json`."""
    return json_format.MessageToJson(message, indent=2, ensure_ascii=False) + "\n"
