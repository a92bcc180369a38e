"""The dry run over the past tells what the service would have told, and counts honestly what was right."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from features.histories import log_of
from features.store.repository import open_store
from serving.alerting.deciding import Plan, decide
from serving.alerting.memory import Event, Memory, Notice
from serving.alerting.past import Told, WholeLog, course_of
from serving.alerting.past_report import PastReport, Share
from serving.alerting.sight import Sight
from serving.scored_rows import ScoredRows
from serving.scorer import Scorer
from serving.wording import LocalTime
from sla.instants import NEVER_US, to_us
from slacast import app
from tests.serving.alert_builders import plan_of
from tests.serving.real_desk import AGREEMENTS, AT, START, agreements, random_events

EVERY = timedelta(minutes=45)
RULES = (
    {"name": "late", "kind": "breach", "cooldown": "1 h"},
    {
        "name": "first answer",
        "kind": "breach",
        "target": "first_response",
        "quiet_outside": "office",
        "max_per_hour": 2,
    },
    {"name": "team", "kind": "breach", "one_alert_per": "team", "applies_to": {"priority": [1, 2]}},
)
RULES_YAML = """slacast_alerts: 1
channels: {desk: {kind: slack, url_from: HOOK}}
rules:
  - {name: late, kind: breach, channels: [desk], cooldown: 1 h}
  - {name: unlikely, kind: risk, above: 60%, channels: [desk]}
"""


def told(notices: list[Notice]) -> list[tuple[Any, ...]]:
    return [(one.rule, one.subject, one.event, one.at_us, len(one.places)) for one in notices]


def slowly(plan: Plan, events: Any) -> list[Notice]:
    """A look after the other by the scorer itself."""
    scorer, memory, found, at = Scorer(_Nothing(), agreements()), Memory(), [], START
    while at <= AT:
        queue = scorer.score_events(log_of(events), at)
        assert isinstance(queue.rows, ScoredRows)
        sight = Sight.of(queue.rows.scored, to_us(at), {"resolution", "first_response"})
        notices = decide(plan, memory, sight)
        memory.remember(notices)
        found += notices
        at += EVERY
    return found


class _Nothing:
    """A store that is never asked: the events come along."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def test_the_past_is_told_as_the_service_would_have_told_it() -> None:
    plan, events = plan_of(*RULES), random_events(25, seed=4)
    course = course_of(plan, WholeLog(events, agreements()), START, AT, EVERY)
    slow = slowly(plan, events)
    for one in course.rules:
        assert told(one.notices) == told([notice for notice in slow if notice.rule == one.rule.name])
        assert one.count(Event.RAISED) > 0


def test_right_are_those_that_breached_after_they_were_told_of() -> None:
    course = course_of(
        plan_of({"kind": "breach"}), WholeLog(random_events(10), agreements()), START, START + EVERY, EVERY
    )
    one = course.rules[0]
    one.rule = one.rule.model_copy(update={"kind": "warning"})
    hour = 3_600_000_000
    one.told = [
        Told("A", to_us(START), to_us(START) + 2 * hour, is_known=False),
        Told("B", to_us(START), to_us(START) + 4 * hour, is_known=True),
        Told("C", to_us(START), NEVER_US, is_known=True),
        Told("D", to_us(START), NEVER_US, is_known=False),
        Told("E", to_us(START) + hour, to_us(START), is_known=True),  # too late to be right
    ]
    one.seen = {"A": to_us(START) + 1, "B": NEVER_US, "Z": to_us(START) + 5}
    figures = PastReport.of(course, LocalTime.named("UTC")).rules[0]
    assert figures.right == Share(2, 4)
    assert figures.not_yet_known == 1
    assert figures.median_lead_seconds == 3 * 3600
    assert figures.base == Share(2, 3)
    assert figures.caught == Share(1, 2)
    assert PastReport.of(course, LocalTime.named("UTC"), timedelta(hours=3)).rules[0].right == Share(1, 4)


def test_a_share_has_an_interval_that_stays_within_bounds() -> None:
    assert Share(0, 0).interval is None
    low, high = Share(40, 51).interval or (0, 0)
    assert (round(low, 3), round(high, 3)) == (0.654, 0.875)  # Wilson's, as published tables have it
    assert (Share(0, 9).interval or (1,))[0] == 0.0
    assert (Share(9, 9).interval or (0, 0))[1] == 1.0


def test_figures_from_before_the_model_knew_the_end_are_marked_as_flattering() -> None:
    log = WholeLog(random_events(5), agreements())
    flattering, fair = (
        PastReport.of(course_of(plan_of({}), log, START, AT, EVERY, trained_until=until), LocalTime.named("UTC"))
        for until in (AT, START)
    )
    assert "flatters" in flattering.text()
    assert fair.warning is None


def test_the_command_tells_text_and_json_and_stores_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/desk.db"
    with open_store(url) as store:
        store.append_ticket_events(random_events(30), "test")
        store.save_agreements(AGREEMENTS, datetime(2024, 1, 1, tzinfo=UTC))
    (tmp_path / "rules.yaml").write_text(RULES_YAML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    asked = [
        "report",
        "alerts",
        "--rules",
        "rules.yaml",
        "--from",
        START.isoformat(),
        "--to",
        AT.isoformat(),
        "--store",
        url,
    ]
    run = CliRunner().invoke(app, [*asked, "--rules-only", "--every", "2 h", "--json"])
    assert run.exit_code == 0, run.output
    found = json.loads(run.stdout)
    late, unlikely = found["rules"]
    assert late["alerts"] == found["alerts"] == sum(found["alerts_per_day"].values()) > 0
    assert unlikely["alerts"] == 0
    assert unlikely["base"]["of"] > 0
    text = CliRunner().invoke(app, [*asked, "--rules-only", "--every", "2 h"]).stdout
    assert f"late (breach): {late['alerts']} alerts" in text
    with open_store(url) as store:
        assert store.alerts.last_id() == 0
    (tmp_path / "rules.yaml").write_text(RULES_YAML.replace("60%", "60"), encoding="utf-8")
    wrong = CliRunner().invoke(app, asked)
    assert wrong.exit_code == 1
    assert "rules.yaml:5: rules[2].above: Input should be less than 1" in wrong.stderr
    backwards = CliRunner().invoke(app, [*asked[:5], AT.isoformat(), "--to", START.isoformat()])
    assert backwards.exit_code == 2
    assert "must come after" in backwards.stderr


def test_an_empty_past_has_nothing_to_tell() -> None:
    log = WholeLog(random_events(5), agreements())
    before = START - timedelta(days=3)
    report = PastReport.of(course_of(plan_of(*RULES), log, before, before + EVERY, EVERY), LocalTime.named("UTC"))
    assert report.to_dict()["alerts"] == 0
    assert "0 alerts in 0.0 days" in report.text()
