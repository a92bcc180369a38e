"""The examples: the small desk against its committed result, the public logs where they are at hand."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pandas as pd
import pytest

from features.importing import import_file
from features.schema import (
    ACTOR_KINDS,
    PHASES,
    SERVICE_COLUMNS,
    SERVICE_KINDS,
    STATUSES,
    TICKET_COLUMNS,
    TICKET_KINDS,
    WAITING_ON,
)
from features.sources.archive import read_bytes
from features.sources.mapping import Mapping, load_mapping, parse_mapping
from features.sources.mapping_model import FileFormat
from features.sources.reading import read
from features.sources.result import ImportResult

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
LOGS = ROOT / ".." / "shared" / "data"


def public_log(name: str) -> Path:
    path = LOGS / name
    if not path.exists():
        pytest.skip(
            f"{name} is not at hand: it is public, but not ours to ship (docs/your-own-data.md says where to get it)"
        )
    return path


@pytest.fixture(scope="module")
def incidents() -> ImportResult:
    return read(
        public_log("uci-incidents/incident_event_log.zip"), load_mapping(EXAMPLES / "uci-incidents/mapping.yaml")
    )


def test_the_small_desk_becomes_its_committed_events_and_report() -> None:
    desk = EXAMPLES / "small-desk"
    report = import_file(desk / "tickets.csv", desk / "mapping.yaml", dry_run=True)
    assert report.result.events.to_csv(index=False, lineterminator="\n") == (desk / "events.csv").read_text(
        encoding="utf-8"
    )
    assert report.text() + "\n" == (desk / "report.txt").read_text(encoding="utf-8")


def test_the_incident_log_is_read_whole(incidents: ImportResult) -> None:
    assert incidents.rows_read == 141_712
    assert incidents.rows_rejected == len(incidents.duplicate_rows) == len(incidents.unmapped_columns) == 0
    assert incidents.events["ticket_id"].nunique() == 24_918
    assert incidents.events["kind"].value_counts().to_dict() == {"updated": 141_712, "created": 24_918}
    assert int(incidents.events["status"].isna().sum()) == 5
    resolved = incidents.events[incidents.events["status"] == "resolved"]
    assert resolved["ticket_id"].nunique() == 24_905


def test_the_incident_logs_final_columns_are_found_and_not_used(incidents: ImportResult) -> None:
    suspects = incidents.quality.leak_suspects
    assert {one.column for one in suspects} == {"resolved_at", "resolved_by", "closed_at", "closed_code"}
    assert not any(one.is_used for one in suspects)


def test_a_shuffled_incident_log_gives_the_same_events(tmp_path: Path) -> None:
    header, *lines = read_bytes(public_log("uci-incidents/incident_event_log.zip")).decode().splitlines()[:6_000]
    mapping = load_mapping(EXAMPLES / "uci-incidents/mapping.yaml")
    frames = []
    for name in ("in-order.csv", "shuffled.csv"):
        (tmp_path / name).write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        frames.append(read(tmp_path / name, mapping).events)
        random.Random(7).shuffle(lines)
    pd.testing.assert_frame_equal(frames[0], frames[1])


def test_the_help_desk_log_is_read_whole() -> None:
    found = read(public_log("helpdesk/finale.csv.gz"), load_mapping(EXAMPLES / "helpdesk/mapping.yaml"))
    assert (found.quality.subjects, len(found.events), found.rows_rejected) == (4_580, 21_348, 0)
    assert found.unmapped_columns == ()


def test_the_service_logs_are_read_whole() -> None:
    incidents = read(
        public_log("services/github_component_incidents.csv.gz"),
        load_mapping(EXAMPLES / "service-incidents/mapping.yaml"),
    )
    assert (incidents.rows_read, incidents.rows_rejected, incidents.rows_without_event, len(incidents.events)) == (
        1_092,
        0,
        11,
        2_162,
    )
    checks = read(public_log("services/upptime_checks.csv.gz"), load_mapping(EXAMPLES / "service-checks/mapping.yaml"))
    assert (checks.rows_read, checks.rows_rejected, len(checks.duplicate_rows), checks.quality.subjects) == (
        26_867,
        0,
        9,
        147,
    )


def test_the_walk_through_builds_the_small_desks_mapping_and_shows_its_report() -> None:
    page = (ROOT / "docs" / "your-own-data.md").read_text(encoding="utf-8")
    steps = "\n".join(re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL))
    assert parse_mapping(steps + "rejected_share_limit: 0.1\n") == load_mapping(EXAMPLES / "small-desk/mapping.yaml")
    assert (EXAMPLES / "small-desk/report.txt").read_text(encoding="utf-8") in page


@pytest.mark.parametrize("model", [Mapping, FileFormat])
def test_every_key_of_a_mapping_is_in_the_data_contract(model: type[Mapping] | type[FileFormat]) -> None:
    page = (ROOT / "docs" / "data-contract.md").read_text(encoding="utf-8")
    assert [key for key in model.model_fields if f"`{key}`" not in page and key != "format"] == []


@pytest.mark.parametrize(
    "words", [TICKET_COLUMNS, TICKET_KINDS, STATUSES, WAITING_ON, ACTOR_KINDS, SERVICE_COLUMNS, SERVICE_KINDS, PHASES]
)
def test_every_word_of_the_schema_is_in_the_data_contract(words: tuple[str, ...]) -> None:
    page = (ROOT / "docs" / "data-contract.md").read_text(encoding="utf-8")
    assert [word for word in words if f"`{word}`" not in page] == []


def test_a_report_is_plain_json() -> None:
    desk = EXAMPLES / "small-desk"
    report = import_file(desk / "tickets.csv", desk / "mapping.yaml", dry_run=True).to_dict()
    assert json.loads(json.dumps(report))["rejections"][0]["rows"] == [11]
