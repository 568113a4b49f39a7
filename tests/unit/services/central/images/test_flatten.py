"""Whole images to flat rows, counters and digests."""

from __future__ import annotations

from typing import Any

import pytest

from pyrox.pb.storage.cve_pb2 import VulnerabilitySeverity
from pyrox.pb.storage.image_pb2 import Image, ListImage
from pyrox.pb.storage.image_v2_pb2 import ImageV2
from pyrox.workload.images import id_v2
from services.central.images.flatten import count, digest, flat_digest, flatten

SHA = "sha256:" + "a" * 64
LOW = VulnerabilitySeverity.LOW_VULNERABILITY_SEVERITY
CRITICAL = VulnerabilitySeverity.CRITICAL_VULNERABILITY_SEVERITY


def image(**components: list[tuple[str, Any, str]]) -> Image:
    """An image whose components have (CVE, severity, fixed by)."""
    made = Image(id=SHA, notes=[Image.MISSING_SIGNATURE], is_cluster_local=True)
    made.name.full_name = "registry.example/app:1"
    made.scan.operating_system = "debian:12"
    for name, vulns in components.items():
        component = made.scan.components.add(name=name, version="1")
        for cve, severity, fixed_by in vulns:
            vuln = component.vulns.add(cve=cve, severity=severity)
            if fixed_by:
                vuln.fixed_by = fixed_by
    return made


def test_count_a_cve_counts_once_and_is_fixable_anywhere() -> None:
    made = image(a=[("C1", LOW, ""), ("C2", LOW, "")], b=[("C1", LOW, "2")], c=[])
    made.scan.components[0].top_cvss, made.scan.components[1].top_cvss = 3.5, 7.5
    count(made)
    assert (made.components, made.cves, made.fixable_cves, made.top_cvss) == (3, 2, 1, 7.5)


def test_count_without_a_scan_sets_nothing() -> None:
    made = Image(id=SHA)
    count(made)
    assert (made.WhichOneof("set_components"), made.WhichOneof("set_cves")) == (None, None)
    assert digest(made) == ListImage(id=SHA)


def test_digest_shows_name_counters_and_times() -> None:
    made = image(a=[("C1", LOW, "2")])
    made.metadata.v1.created.seconds, made.last_updated.seconds = 5, 6
    count(made)
    listed = digest(made)
    assert (listed.id, listed.name) == (SHA, "registry.example/app:1")
    assert (listed.components, listed.cves, listed.fixable_cves) == (1, 1, 1)
    assert (listed.created.seconds, listed.last_updated.seconds) == (5, 6)
    flat = flat_digest(flatten(made).image)
    assert (flat.name, flat.component_count, flat.cve_count, flat.fixable_cve_count) == (listed.name, 1, 1, 1)


def test_flatten_ids_are_stable_and_of_name_and_digest() -> None:
    first, second = (flatten(image(a=[("C1", LOW, "")], b=[("C1", LOW, "")])) for _ in range(2))
    assert first == second
    assert first.image.id == id_v2("registry.example/app:1", SHA)
    assert first.image.digest == SHA
    ids = [first.image.id, *(c.id for c in first.components), *(c.id for c in first.cves)]
    assert len(set(ids)) == 5
    renamed = image(a=[("C1", LOW, "")], b=[("C1", LOW, "")])
    renamed.name.full_name = "registry.example/app:2"
    other = flatten(renamed)
    assert not {c.id for c in other.cves} & {c.id for c in first.cves}


def test_flatten_rows_point_at_their_image_and_component() -> None:
    made = image(a=[("C1", LOW, "2")], b=[("C2", CRITICAL, "")])
    made.scan.components[0].layer_index = 0
    flat = flatten(made)
    assert [c.component_id for c in flat.cves] == [c.id for c in flat.components]
    assert {(row.image_id_v2, row.image_id) for row in flat.components} == {(flat.image.id, SHA)}
    assert {(row.image_id_v2, row.image_id) for row in flat.cves} == {(flat.image.id, SHA)}
    assert [(c.cve_base_info.cve, c.is_fixable, c.fixed_by) for c in flat.cves] == [
        ("C1", True, "2"),
        ("C2", False, ""),
    ]
    assert [c.WhichOneof("has_layer_index") for c in flat.components] == ["layer_index", None]
    assert {c.operating_system for c in flat.components} == {"debian:12"}


def test_flatten_twins_in_one_image_stay_apart() -> None:
    made = image(a=[("C1", LOW, ""), ("C1", LOW, "")])
    made.scan.components.add().CopyFrom(made.scan.components[0])
    flat = flatten(made)
    assert len({c.id for c in flat.components}) == 2
    assert len({c.id for c in flat.cves}) == 4


def test_flatten_statistics_count_each_cve_at_its_worst() -> None:
    stats = flatten(
        image(
            a=[("C1", LOW, ""), ("C2", LOW, "3")],
            b=[("C1", CRITICAL, "2")],
            c=[("C4", 0, "")],
        )
    ).image.scan_stats
    assert stats == ImageV2.ScanStats(
        component_count=3,
        cve_count=3,
        fixable_cve_count=2,
        unknown_cve_count=1,
        low_cve_count=1,
        fixable_low_cve_count=1,
        critical_cve_count=1,
        fixable_critical_cve_count=1,
    )


def test_flatten_severity_of_a_newer_peer_does_not_break_it() -> None:
    flat = flatten(image(a=[("C3", 99, "")]))
    assert (flat.image.scan_stats.cve_count, flat.image.scan_stats.unknown_cve_count) == (1, 1)


def test_flatten_keeps_what_a_vulnerability_says() -> None:
    made = image(a=[("C1", LOW, "2")])
    vuln = made.scan.components[0].vulns[0]
    vuln.summary, vuln.link, vuln.cvss, vuln.nvd_cvss = "s", "l", 5.5, 6.5
    vuln.cvss_v3.impact_score = 3.5
    vuln.published_on.seconds, vuln.first_image_occurrence.seconds = 1, 2
    vuln.first_system_occurrence.seconds, vuln.fix_available_timestamp.seconds = 3, 4
    vuln.advisory.name, vuln.epss.epss_probability = "A", 0.5
    (row,) = flatten(made).cves
    info = row.cve_base_info
    assert (info.summary, info.link, row.cvss, row.nvdcvss, row.impact_score) == ("s", "l", 5.5, 6.5, 3.5)
    assert (info.published_on.seconds, row.first_image_occurrence.seconds) == (1, 2)
    assert (info.created_at.seconds, row.fix_available_timestamp.seconds) == (3, 4)
    assert (row.advisory.name, info.epss.epss_probability) == ("A", 0.5)


@pytest.mark.parametrize("note", Image.Note.values())
def test_flatten_every_note_has_a_flat_one_of_its_name(note: Image.Note.ValueType) -> None:
    (flat,) = flatten(Image(id=SHA, notes=[note])).image.notes
    assert ImageV2.Note.Name(flat) == Image.Note.Name(note)
