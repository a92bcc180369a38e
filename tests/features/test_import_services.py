from __future__ import annotations

from pathlib import Path

import pytest

from features.importing import import_file
from features.schema import validate_service_events
from features.sources.faults import SourceError
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from features.store import open_store
from tests.features.builders import written

SPANS = """\
kind: service_events
time_zone: UTC
columns: {service: name, event_at: began, ended_at: ended, kind: impact, severity: impact}
values:
  kind: {major: outage, minor: degradation, maintenance: maintenance, none: null}
rejected_share_limit: 0.5
"""
INCIDENTS = """\
name,began,ended,impact
Git,2024-03-04 08:00,2024-03-04 09:30,major
Pages,2024-03-04 10:00,,minor
Git,2024-03-05 08:00,2024-03-05 08:10,none
"""
CHECKS = """\
kind: service_events
time_zone: UTC
dates: epoch_seconds
columns: {service: name, event_at: epoch, value: ms}
attributes: {status: status}
constants: {kind: check}
"""


def test_an_incident_becomes_a_start_and_an_end_that_is_known_when_it_comes(tmp_path: Path) -> None:
    found = read(written(tmp_path, INCIDENTS), parse_mapping(SPANS))
    validate_service_events(found.events)
    shown = found.events[["service", "kind", "phase", "severity"]].to_numpy().tolist()
    assert shown == [
        ["Git", "outage", "end", "major"],
        ["Git", "outage", "start", "major"],
        ["Pages", "degradation", "start", "minor"],
    ]
    assert (found.events["recorded_at"] == found.events["event_at"]).all()
    assert found.rows_without_event == 1


def test_checks_are_points_with_a_value(tmp_path: Path) -> None:
    found = read(
        written(tmp_path, "name,epoch,status,ms\nweb,1709546400,up,120\nweb,1709546460,down,\n"), parse_mapping(CHECKS)
    )
    assert found.events["phase"].tolist() == ["point", "point"]
    assert found.events["value"].tolist()[0] == 120.0
    assert found.events["attributes.status"].tolist() == ["up", "down"]
    assert found.quality.states == ()


def test_an_end_before_its_start_and_a_value_that_is_no_number_are_rejected(tmp_path: Path) -> None:
    found = read(written(tmp_path, INCIDENTS.replace("2024-03-04 09:30", "2024-03-04 07:30")), parse_mapping(SPANS))
    assert [one.reason for one in found.rejections] == ["ends before it starts"]
    rows = "name,epoch,status,ms\nweb,1709546400,up,fast\nweb,1709546460,down,3\n"
    found = read(written(tmp_path, rows), parse_mapping(CHECKS + "rejected_share_limit: 0.5\n"))
    assert [one.reason for one in found.rejections] == ["the value is no number"]


def test_an_unknown_kind_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"'odd' .* is not in the mapping under `values, kind`"):
        read(written(tmp_path, INCIDENTS.replace("minor", "odd")), parse_mapping(SPANS))


def test_service_events_are_stored_in_their_own_table(tmp_path: Path) -> None:
    mapping = written(tmp_path, SPANS, "mapping.yaml")
    with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        report = import_file(written(tmp_path, INCIDENTS), mapping, store)
        assert report.stored is not None
        assert (report.stored.inserted, store.last_sequence(), store.last_service_sequence()) == (3, 0, 3)
        assert "2 services, 3 events" in report.text()
