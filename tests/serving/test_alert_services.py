"""Alerts about services: a likely outage, an error budget that burns too fast; docs/alerts.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.store import open_store
from serving.access.caller import Caller, Scope
from serving.access.roles import Role
from serving.alerting.deciding import decide
from serving.alerting.memory import Event, Memory, Notice
from serving.alerting.messages import message_of
from serving.alerting.watchman import Watchman
from serving.api.alerts import _is_seen
from serving.services.standing import Budget, Burn, OutageRisk, ServiceBoard, ServiceStanding
from serving.wording import LocalTime
from serving.workplace import build_service
from tests.serving.alert_builders import plan_of, rules_of, sight_of
from tests.serving.real_desk import AT, agreements
from tests.serving.stored_desk import Desk

LIKELY = {"name": "likely", "kind": "outage_risk", "above": 0.3, "recovers_below": 0.2}
BURNS = {"name": "burns", "kind": "burn_rate"}


def at_risk(name: str = "ERP", probability: float = 0.4, **values: Any) -> ServiceStanding:
    said = f"{round(10 * probability)} of 10 such days saw an outage; usual for this service: 1 of 10"
    risk = OutageRisk(probability, 0.1, 0.5, 20.0, (), said, values.pop("is_untouched", False))
    return ServiceStanding(name, values.pop("state", "available"), None, risk=values.pop("risk", risk), **values)


def burning(page: float, ticket: float = 0.0, left: float = 0.6) -> ServiceStanding:
    """A service whose quick and slow windows burn at these rates."""
    quick = Burn("page", 14.4, 3600, 300, page, page, page > 14.4)
    slow = Burn("ticket", 1.0, 259200, 21600, ticket, ticket, ticket > 1.0)
    budget = Budget(0.999, 30.0, None, 2.6e6, 2592.0, 1000.0, left, page, (quick, slow), 7200.0 if left > 0 else 0.0)
    return ServiceStanding("ERP", "available", None, budget=budget)


def board(*services: ServiceStanding, problem: str | None = None) -> ServiceBoard:
    return ServiceBoard(AT, "rate", None, "no model", 24.0, services, problem)


class Room:
    """Decides minute by minute and remembers."""

    def __init__(self, *rules: dict[str, Any], **values: Any) -> None:
        self.plan, self.memory = plan_of(*rules, **values), Memory()

    def at(self, minute: float, found: ServiceBoard | None) -> list[Notice]:
        notices = decide(self.plan, self.memory, replace(sight_of(minute, {}), board=found))
        self.memory.remember(notices)
        return notices

    def events(self, minute: float, found: ServiceBoard | None) -> list[tuple[str, str]]:
        return [(notice.event.value, notice.subject) for notice in self.at(minute, found)]


def test_a_likely_outage_is_told_once_and_once_that_it_is_over() -> None:
    room = Room(LIKELY)
    assert room.events(0, board(at_risk(probability=0.29))) == []
    (told,) = room.at(1, board(at_risk(), at_risk("Mail", 0.1)))
    assert (told.event, told.subject, told.value) == (Event.RAISED, "ERP", 0.4)
    assert room.events(2, board(at_risk(probability=0.25))) == []  # between the thresholds
    (over,) = room.at(3, board(at_risk(probability=0.1)))
    assert (over.event, over.cause) == (Event.RECOVERED, "no longer so")


def test_the_outage_that_comes_ends_the_warning_of_it() -> None:
    room = Room(LIKELY)
    room.at(0, board(at_risk()))
    (over,) = room.at(1, board(at_risk(state="down", risk=None)))
    assert (over.event, over.cause) == (Event.RECOVERED, "the outage came: it is down")


@pytest.mark.parametrize(
    "found",
    [None, board(at_risk(probability=0.01), problem="the database is away"), board(at_risk(risk=None))],
    ids=["no board", "an old board", "nobody can tell"],
)
def test_where_nobody_can_tell_nothing_is_raised_and_nothing_is_over(found: ServiceBoard | None) -> None:
    room = Room(LIKELY)
    assert room.events(0, found) == []
    assert room.events(1, board(at_risk())) == [("raised", "ERP")]
    assert room.events(2, found) == []


def test_nobody_is_told_of_a_service_that_is_left_untouched() -> None:
    room = Room(LIKELY)
    assert room.events(0, board(at_risk(is_untouched=True))) == []
    room.at(1, board(at_risk()))
    assert room.events(2, board(at_risk(is_untouched=True))) == []  # and what was told is not called over


def test_a_rule_is_about_the_services_it_names() -> None:
    by_name, by_catalogue = ({"service": "Mail"}, {"service.criticality": "critical"})
    rules = [{**LIKELY, "name": str(number), "applies_to": one} for number, one in enumerate((by_name, by_catalogue))]
    found = Room(*rules).at(0, board(at_risk("ERP"), at_risk("Mail")))
    assert [(one.rule, one.subject) for one in found] == [("1", "ERP"), ("0", "Mail")]


def test_a_burning_budget_is_told_by_the_windows_that_a_rule_asks_for() -> None:
    quick = Room({**BURNS, "windows": "page"})
    assert quick.events(0, board(burning(page=2.0, ticket=3.0))) == []
    assert quick.events(1, board(burning(page=16.0))) == [("raised", "ERP")]
    assert quick.events(2, board(burning(page=3.0))) == [("recovered", "ERP")]
    both = Room(BURNS)
    (told,) = both.at(0, board(burning(page=2.0, ticket=3.0)))
    assert (told.event, told.value) == (Event.RAISED, 3.0)


def test_bounds_and_cooldown_hold_for_services_too() -> None:
    room = Room({**LIKELY, "max_per_hour": 1, "cooldown": "4 h"})
    first = room.events(0, board(at_risk("A", 0.5), at_risk("B", 0.9)))
    assert sorted(first) == [("held", "A"), ("raised", "B")]  # the likelier goes first
    room = Room({**LIKELY, "cooldown": "4 h"})
    room.at(0, board(at_risk()))
    room.at(10, board(at_risk(probability=0.1)))
    assert room.events(20, board(at_risk())) == []
    assert room.events(241, board(at_risk())) == [("raised", "ERP")]


def words(rule: dict[str, Any], *boards: ServiceBoard) -> list[str]:
    room, local = Room(rule), LocalTime.named("Europe/Berlin")
    return [
        message_of(notice, room.plan.rules.rules[0], [], local)
        for minute, found in enumerate(boards)
        for notice in room.at(minute, found)
    ]


def test_the_notice_says_what_is_so_beside_what_is_usual_and_what_is_left() -> None:
    assert words(LIKELY, board(at_risk()), board(at_risk(probability=0.1))) == [
        (
            "service ERP: a new outage within 24 h is likely, 40 %: 4 of 10 such days saw an outage; "
            "usual for this service: 1 of 10 (likely)"
        ),
        "Over: service ERP, no longer so (likely)",
    ]
    (told,) = words(BURNS, board(burning(page=16.0)))
    assert told == (
        "service ERP: its error budget burns 16.0 times as fast as it lasts over 1 h and 16.0 over 5 min, both above 14.4; "
        "60 % of the budget of 30 days is left, gone in 2 h at the rate of the last day (burns)"
    )
    (told,) = words(BURNS, board(burning(page=16.0, left=-0.2)))
    assert "nothing is left of the budget of 30 days" in told


def test_what_was_put_off_and_is_over_by_then_is_told_as_over_with_it() -> None:
    night = {"night": {"time_zone": "Europe/Berlin", "hours": {"mon-fri": [["16:00", "18:00"]]}}}
    rules = rules_of(LIKELY).model_dump(mode="python", exclude_unset=True)
    written = {**rules, "calendars": night, "rules": [{**rules["rules"][0], "quiet_outside": "night"}]}
    from serving.alerting.deciding import Plan
    from serving.alerting.rules import AlertRules

    room = Room(LIKELY)
    room.plan = Plan(AlertRules.model_validate(written), agreements())
    assert room.events(0, board(at_risk())) == [("deferred", "ERP")]  # 14:30
    told = room.at(100, board(at_risk(probability=0.05)))  # 16:10
    assert [notice.event for notice in told] == [Event.RAISED, Event.RECOVERED]
    text = message_of(told[0], room.plan.rules.rules[0], [], LocalTime.named("Europe/Berlin"))
    assert text.startswith("service ERP: an outage was likely; so since")


def test_the_running_service_tells_of_the_board_that_it_keeps(prepared_desk: Path, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(
        "slacast_alerts: 1\n"
        "channels: {desk: {kind: webhook, url: 'http://127.0.0.1:9/in', allow_http: true, secret_from: KEY}}\n"
        "rules: [{name: likely, kind: outage_risk, above: 30%, channels: [desk]}]\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEY", "hunter2")
        desk = Desk(prepared_desk, tmp_path, alert_rules=tmp_path / "rules.yaml")
    try:
        watchman, recorder = desk.service.watchman, desk.service.recorder
        assert isinstance(watchman, Watchman)
        assert recorder is not None
        watchman._services = lambda: board(at_risk())
        recorder.step()
        (line,) = desk.client().get("/api/v1/alerts").json()["alerts"]
        assert (line["subject_kind"], line["subject"], line["value"], line["ticket_ids"]) == ("service", "ERP", 0.4, [])
        assert line["message"].startswith("service ERP: a new outage within 24 h is likely, 40 %")
        assert desk.client().get("/api/v1/alerts").json()["still_to_send"] == 1
    finally:
        desk.close()


def test_a_key_for_services_sees_the_alerts_of_those_services() -> None:
    row = {"subject": "ERP", "details": '{"kind": "outage_risk", "tickets": [], "ticket_count": 0}'}
    for scope, sees in (
        (Scope(services=("ERP",)), True),
        (Scope(services=("Mail",)), False),
        (Scope(teams=("Network",)), False),
    ):
        assert _is_seen(row, Caller("Ada", Role.READER, scope)) is sees


def test_the_watchman_asks_the_keeper_of_the_service(prepared_desk: Path, tmp_path: Path) -> None:
    desk = Desk(prepared_desk, tmp_path)
    desk.close()
    (tmp_path / "rules.yaml").write_text(
        "slacast_alerts: 1\n"
        "channels: {desk: {kind: slack, url_from: HOOK}}\n"
        "rules: [{name: likely, kind: outage_risk, above: 30%, channels: [desk]}]\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK", "https://hooks.example.org/x")
        settings = desk.settings.model_copy(update={"alert_rules": tmp_path / "rules.yaml"})
        service = build_service(settings, lambda: datetime(2024, 5, 1, tzinfo=UTC), None)
    try:
        assert service.watchman is not None
        assert service.watchman._services() is None  # until the first is made
        service.ticker.step()
        service.services.step()  # type: ignore[union-attr] # the keeper, as it was put together
        assert service.watchman._services() is service.services.board  # type: ignore[union-attr]
    finally:
        service.close()
    with open_store(settings.database_url) as store:
        assert store.alerts.last_id() == 0
