"""The dry run of rules about services: what they would have told, and how often an outage came."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from serving.alerting.deciding import Plan
from serving.alerting.memory import Event
from serving.alerting.past import Course, WholeLog, course_of
from serving.alerting.past_report import PastReport
from serving.alerting.past_services import OutageCourse, PastServices
from serving.rehearsal import alerts_of_the_past
from serving.settings import Settings
from serving.wording import LocalTime
from sla.agreements.loading import parse_agreements
from sla.instants import to_us
from tests.serving.alert_builders import rules_of
from tests.serving.real_desk import AT, random_events
from tests.serving.service_builders import CATALOGUE, DAY, frame, happened

AGREEMENTS = parse_agreements(CATALOGUE, source="catalogue")
LIKELY = {"name": "likely", "kind": "outage_risk", "above": 0.25, "recovers_below": 0.2, "cooldown": "12 h"}
BURNS = {"name": "burns", "kind": "burn_rate", "windows": "page"}
UNTIL = AT - 4 * DAY
SINCE = UNTIL - 4 * DAY
HOUR = timedelta(hours=1)


def outages() -> list[datetime]:
    """Mail fails every other day; Network once, long ago."""
    return [AT - DAY * day - 3 * HOUR for day in range(1, 80, 2)]


@pytest.fixture(scope="module")
def services() -> PastServices:
    rows = [row for at in outages() for row in happened("Mail", "outage", at, 90)]
    rows += happened("Network", "outage", AT - 70 * DAY, 30)
    rows += happened("ERP", "change", AT - 90 * DAY)
    return PastServices(frame(rows), random_events(1), AGREEMENTS)


@pytest.fixture(scope="module")
def course(services: PastServices) -> Course:
    plan = Plan(rules_of(LIKELY, BURNS), AGREEMENTS)
    log = WholeLog(random_events(3), AGREEMENTS)
    return course_of(plan, log, SINCE, UNTIL, 2 * HOUR, services=services)


def test_each_look_sees_what_was_known_then_and_is_judged_by_what_came(course: Course, services: PastServices) -> None:
    told = course.rules[0].outages.told
    assert told
    assert {service for service, _, _ in told} == {"Mail"}
    begins = np.array(sorted(to_us(at) for at in outages()))
    for _, at_us, next_us in told:
        assert next_us == begins[begins > at_us][0]
        risk = services.board(at_us).by_name["Mail"].risk
        assert risk is not None
        assert risk.probability >= 0.25
    asked = course.rules[0].outages.asked
    assert len({day for name, day in asked if name == "Mail"}) in (4, 5)


def test_the_report_counts_outages_within_the_horizon(course: Course) -> None:
    report = PastReport.of(course, LocalTime.named("Europe/Berlin"))
    likely, burns = report.rules
    told = course.rules[0].outages.told
    day_us = 24 * 3_600_000_000
    assert likely.right is not None
    assert (likely.right.hits, likely.right.of) == (
        sum(next_us - at_us <= day_us for _, at_us, next_us in told),
        len(told),
    )
    assert likely.base is not None
    assert 0 < likely.base.hits < likely.base.of
    assert likely.caught is not None
    came = [at for at in outages() if SINCE < at <= UNTIL]
    assert likely.caught.of == len(came)
    assert (burns.right, burns.base, burns.caught) == (None, None, None)
    assert burns.alerts == len(came)  # 90 minutes use up more than a month of 99.9 %
    text = report.text()
    assert f"right: {likely.right.text()} had an outage within 1 d afterwards" in text
    assert f"of all services and days it looked at: {likely.base.text()} had an outage" in text
    assert f"told before the outage: {likely.caught.text()}" in text


def test_a_later_record_changes_no_look_before_it(services: PastServices) -> None:
    at_us = to_us(SINCE)
    rows = [row for at in outages() if at < SINCE for row in happened("Mail", "outage", at, 90)]
    rows += happened("Network", "outage", AT - 70 * DAY, 30)
    rows += happened("ERP", "change", AT - 90 * DAY)
    known = PastServices(frame(rows), random_events(1), AGREEMENTS)
    assert known.board(at_us) == services.board(at_us)


def test_what_cannot_be_known_yet_is_not_counted() -> None:
    found = OutageCourse(told=[("A", 0, 50), ("A", 10, 500), ("A", 90, 2**60)])
    assert found.right(60, 100) == (1, 2)  # the last one's horizon is not over
    assert found.right(5, 100) == (0, 3)
    found.asked = {("A", 0): (0, 50), ("A", 1): (60, 500)}
    assert found.base(60, 100) == (1, 1)
    assert found.caught(60, 0, 100) == (1, 1)
    assert found.caught(60, 0, 600) == (1, 2)


def test_the_command_tries_rules_about_services_on_the_past_of_a_store(tmp_path: Path, services: PastServices) -> None:
    from features.store import open_store

    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "slacast_alerts: 1\nchannels: {desk: {kind: slack, url_from: HOOK}}\n"
        "rules: [{name: burns, kind: burn_rate, windows: page, channels: [desk]}]\n",
        encoding="utf-8",
    )
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    with open_store(url) as store:
        store.append_ticket_events(random_events(3), "test")
        store.append_service_events(services.events, "test")
        store.save_agreements(CATALOGUE, AT)
    report = alerts_of_the_past(Settings(database_url=url, use_model=False), rules, UNTIL - DAY, UNTIL, 6 * HOUR)
    assert report.to_dict()["rules"][0]["kind"] == "burn_rate"
    assert report.course.rules[0].count(Event.RAISED) == report.rules[0].alerts


def test_a_group_is_judged_by_the_outages_of_the_whole() -> None:
    """Of two lines one is enough: they fail every day, together every other day, and the rule tells of the pair."""
    rows = [row for day in range(1, 80) for row in happened("Network", "outage", AT - DAY * day - 3 * HOUR, 60)]
    rows += [row for at in outages() for row in happened("Mail", "outage", at + HOUR / 2, 90)]
    group = "  Pair: {made_of: {any_of: [Mail, Network]}}\nagreements:"
    agreements = parse_agreements(CATALOGUE.replace("agreements:", group), source="catalogue")
    past = PastServices(frame(rows), random_events(1), agreements)
    assert past.outages(to_us(AT))["Pair"].tolist() == sorted(to_us(at + HOUR / 2) for at in outages())
    rules = rules_of({**LIKELY, "above": 0.3, "applies_to": {"service": "Pair"}})
    log = WholeLog(random_events(3), agreements)
    course = course_of(Plan(rules, agreements), log, SINCE, UNTIL, 6 * HOUR, services=past)
    told = course.rules[0].outages.told
    assert {name for name, _, _ in told} == {"Pair"}
    assert all(next_us in {to_us(at + HOUR / 2) for at in outages()} for _, _, next_us in told)
