"""Readers of service events: Prometheus range queries and incidents of a status page, and what neither may get wrong."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.outages.checks import outages_from_checks
from features.outages.ledger import Ledger
from features.schema import SERVICE_COLUMNS, validate_service_events
from features.service_histories import AHEAD, ServiceHistories
from features.sources.faults import MappingError, SourceError
from features.sources.mapping import parse_mapping
from features.sources.reading import read
from features.sources.result import ImportResult
from tests.features.source_examples import EXAMPLES, EXPORTS

NAMES = ("prometheus", "statuspage")
every_reader = pytest.mark.parametrize("name", NAMES)
Change = Callable[[Any], Any]


def content_of(name: str) -> Any:
    return json.loads((EXAMPLES / name / EXPORTS[name]).read_text(encoding="utf-8"))


def imported(folder: Path, name: str, content: Any = None, mapping: str = "") -> ImportResult:
    """The example of a reader, or other content under its mapping."""
    documents = content if isinstance(content, bytes) else json.dumps(content or content_of(name)).encode()
    (folder / EXPORTS[name]).write_bytes(documents)
    text = mapping or (EXAMPLES / name / "mapping.yaml").read_text(encoding="utf-8")
    return read(folder / EXPORTS[name], parse_mapping(text, "mapping.yaml"))


def turned(value: Any) -> Any:
    """The same records in the opposite order, at every level where order says nothing."""
    if isinstance(value, dict):
        return {key: turned(inner) for key, inner in value.items()}
    is_pair = isinstance(value, list) and len(value) == 2 and isinstance(value[1], str)
    return [turned(item) for item in reversed(value)] if isinstance(value, list) and not is_pair else value


@every_reader
def test_events_are_canonical(tmp_path: Path, name: str) -> None:
    found = imported(tmp_path, name)
    validate_service_events(found.events)
    assert tuple(found.events.columns[: len(SERVICE_COLUMNS)]) == SERVICE_COLUMNS
    assert found.events["event_id"].is_unique
    assert found.rows_rejected == 0


@every_reader
def test_the_order_of_records_does_not_matter(tmp_path: Path, name: str) -> None:
    plain, shuffled = imported(tmp_path, name), imported(tmp_path, name, turned(content_of(name)))
    pd.testing.assert_frame_equal(plain.events, shuffled.events)


@every_reader
def test_the_same_answer_twice_counts_once(tmp_path: Path, name: str) -> None:
    text = json.dumps(content_of(name)).encode()
    twice = imported(tmp_path, name, text + b"\n" + text)
    pd.testing.assert_frame_equal(twice.events, imported(tmp_path, name).events)


@every_reader
def test_a_file_that_is_cut_off_or_empty_is_refused(tmp_path: Path, name: str) -> None:
    text = json.dumps(content_of(name)).encode()
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(SourceError, match=f"{EXPORTS[name]}.*cut off"):
            imported(tmp_path, name, text[: int(len(text) * share)].rstrip(b' ,"0123456789'))
    with pytest.raises(SourceError, match="the file is empty"):
        imported(tmp_path, name, b" \n")


@every_reader
def test_a_packed_file_says_the_same(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{EXPORTS[name]}.gz"
    path.write_bytes(gzip.compress(json.dumps(content_of(name)).encode()))
    packed = read(path, parse_mapping((EXAMPLES / name / "mapping.yaml").read_text(encoding="utf-8")))
    pd.testing.assert_frame_equal(packed.events, imported(tmp_path, name).events)


@pytest.mark.parametrize(
    ("name", "old", "place"),
    [
        ("prometheus", "1774865400,", r"series probe_.*\{.*\}, sample \d, column 'at': 'yesterday'"),
        ("statuspage", '"2026-03-30T12:20:00.000+02:00"', r"incident p31zjtct2jer \(record 1 of 'incidents'\), update 2, column 'at': 'yesterday'"),
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_named_with_its_record(tmp_path: Path, name: str, old: str, place: str) -> None:
    text = (EXAMPLES / name / EXPORTS[name]).read_text(encoding="utf-8")
    assert old in text
    new = '"yesterday",' if old.endswith(",") else '"yesterday"'
    with pytest.raises(SourceError, match=place):
        imported(tmp_path, name, text.replace(old, new).encode())


def test_failed_probes_become_an_outage_and_answer_times_stay(tmp_path: Path) -> None:
    events = imported(tmp_path, "prometheus").events
    outage = outages_from_checks(events)
    assert list(zip(outage["service"], outage["phase"], outage["event_at"].dt.strftime("%H:%M"), strict=True)) == [
        ("Mail", "start", "10:05"),
        ("Mail", "end", "10:20"),
    ]
    assert events.loc[events["kind"] == "latency", "value"].tolist() == [212.0, 204.0, 1840.0, 2031.0, 219.0]
    assert set(events["attributes.site"]) == {"blackbox-berlin"}


def test_a_share_of_failed_probes_is_degraded_and_no_number_says_nothing(tmp_path: Path) -> None:
    content = content_of("prometheus")
    content["data"]["result"][0]["values"] = [[1, "1"], [2, "0.5"], [3, "0"], [4, "NaN"], [5, "17"]]
    found = imported(tmp_path, "prometheus", content).events
    mail = found[found["service"] == "Mail"]["attributes.status"]
    assert [None if pd.isna(value) else value for value in mail] == ["up", "degraded", "down", None, None]


def test_an_expression_without_a_name_needs_a_kind_and_any_label_can_be_the_service(tmp_path: Path) -> None:
    content = content_of("prometheus")
    content["data"]["result"] = [{"metric": {"site": "berlin"}, "values": [[1774864800, "0"]]}]
    found = imported(
        tmp_path, "prometheus", content, "adapter: prometheus\ncolumns: {service: site}\nconstants: {kind: check}\n"
    )
    assert found.events[["service", "kind", "attributes.status"]].to_numpy().tolist() == [["berlin", "check", "down"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"status": "error", "errorType": "bad_data", "error": "parse error"}, "answered with an error: parse error"),
        ({"status": "success", "data": {"resultType": "vector", "result": []}}, "expected 'matrix'"),
        ({"status": "success", "data": {"resultType": "matrix", "result": []}}, "holds no sample"),
        ({"rows": []}, "no answer of Prometheus"),
    ],
)
def test_what_is_no_range_query_is_refused(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        imported(tmp_path, "prometheus", content)


def test_an_update_dated_back_is_known_only_from_its_posting(tmp_path: Path) -> None:
    events = imported(tmp_path, "statuspage").events
    begun = events[(events["service"] == "Login") & (events["kind"] == "outage") & (events["phase"] == "start")].iloc[0]
    assert (begun["event_at"], begun["recorded_at"]) == (
        pd.Timestamp("2026-03-30T10:20:00Z"),
        pd.Timestamp("2026-03-30T10:25:00Z"),
    )


def test_states_that_mean_the_same_are_one_outage(tmp_path: Path) -> None:
    login = imported(tmp_path, "statuspage").events.query("service == 'Login'")
    assert sorted(zip(login["kind"], login["phase"], login["event_at"].dt.strftime("%H:%M"), strict=True)) == [
        ("degradation", "end", "10:20"),
        ("degradation", "start", "09:50"),
        ("outage", "end", "11:30"),  # from major to partial outage at 11:05 it goes on
        ("outage", "start", "10:20"),
    ]
    partial = "adapter: statuspage\nvalues: {kind: {partial_outage: degradation}}\n"
    split = imported(tmp_path, "statuspage", mapping=partial).events.query("service == 'Login' and kind == 'outage'")
    assert split["event_at"].dt.strftime("%H:%M").tolist() == ["11:05", "10:20"]


def test_announced_maintenance_is_known_ahead(tmp_path: Path) -> None:
    histories = ServiceHistories.from_events(imported(tmp_path, "statuspage").events)
    found = histories.sums
    before = found.timeline.before(pd.Series([pd.Timestamp("2026-04-04T12:00Z")]).astype("int64").to_numpy())
    place = histories.names.index("Reports")
    assert found.sums.upto(pd.Series([place + 1]).to_numpy(), before)[0, found.columns["maintenance", AHEAD]] == 1


def test_an_incident_of_no_component_is_of_the_page(tmp_path: Path) -> None:
    content = content_of("statuspage")
    content["incidents"][1]["components"] = []
    assert "Example Cloud" in set(imported(tmp_path, "statuspage", content).events["service"])


def test_an_incident_that_is_over_nobody_knows_when_is_left_out(tmp_path: Path) -> None:
    content = content_of("statuspage")
    over = content["incidents"][1] | {"status": "resolved"}
    with pytest.raises(SourceError, match=r"incident q72mmpp0cd1k .*status is 'resolved' without 'resolved_at'"):
        imported(tmp_path, "statuspage", {"incidents": [over]})


def test_a_newer_answer_adds_the_end_and_changes_no_id(tmp_path: Path) -> None:
    early = content_of("statuspage")
    login = early["incidents"][0]
    login |= {"status": "identified", "resolved_at": None, "updated_at": "2026-03-30T12:26:00.000+02:00"}
    login["incident_updates"] = login["incident_updates"][2:]
    whole, part = imported(tmp_path, "statuspage").events, imported(tmp_path, "statuspage", early).events
    assert len(part) < len(whole)
    pd.testing.assert_frame_equal(whole[whole["event_id"].isin(part["event_id"])].reset_index(drop=True), part)


def test_outages_of_a_page_are_rows_of_the_forecast(tmp_path: Path) -> None:
    ledger = Ledger.of(imported(tmp_path, "statuspage").events)
    assert len(ledger.outages.begin_us) == 1
    assert ledger.names == ("Login", "Mail", "Reports")


@every_reader
def test_a_reader_of_services_reads_no_tickets(name: str) -> None:
    with pytest.raises(MappingError, match=f"line 2: adapter {name} reads service events"):
        parse_mapping(f"adapter: {name}\nkind: ticket_events\n", "mapping.yaml")
