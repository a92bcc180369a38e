"""Teams with nothing to work on, and what they are offered: serving/idle_teams.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from serving.access.caller import Scope, seen_by
from serving.queue import Queue
from serving.reports.document import document
from serving.reports.table import as_table
from serving.scorer import Scorer
from tests.serving.real_desk import AT, START, ListStore, agreements, fitted_bundle, frame_of


def finished(team: str, category: str, count: int) -> list[dict[str, Any]]:
    rows = []
    for number in range(count):
        facts = {"ticket_id": f"{team} {category} {number}", "team": team, "category": category, "priority": "3"}
        begin = START + timedelta(hours=3, minutes=number)
        rows += [
            {**facts, "kind": "created", "status": "open", "event_at": begin},
            {**facts, "kind": "assigned", "assignee": f"{team} Ada", "event_at": begin + timedelta(minutes=1)},
            {**facts, "kind": "status", "status": "resolved", "event_at": begin + timedelta(minutes=20)},
        ]
    return rows


def waiting(name: str, team: str, category: str, priority: str = "3", **facts: str) -> list[dict[str, Any]]:
    mine = {"ticket_id": name, "team": team, "category": category, "priority": priority, "service": "Mail", **facts}
    return [{**mine, "kind": "created", "status": facts.get("status", "open"), "event_at": AT - timedelta(hours=1)}]


def queue_of(*parts: list[dict[str, Any]], with_model: bool = True) -> Queue:
    rows = [row for part in parts for row in part]
    for place, row in enumerate(rows):
        row |= {"event_id": f"{place}", "recorded_at": row["event_at"], "actor_kind": "agent"}
    events = frame_of(rows)
    return Scorer(ListStore(events), agreements(), fitted_bundle(events) if with_model else None).score(AT)


HISTORY = [*finished("Desk", "Laptop", 40), *finished("Network", "Laptop", 12), *finished("Apps", "Laptop", 4), *finished("Apps", "Mail", 9)]  # fmt: skip
BUSY = [*waiting("plain", "Desk", "Laptop"), *waiting("urgent", "Desk", "Laptop", "1"), *waiting("mail", "Desk", "Mail")]  # fmt: skip


def test_an_idle_team_is_offered_the_weightiest_ticket_of_what_it_has_finished_before() -> None:
    queue = queue_of(HISTORY, BUSY)
    offered = {one.team: one for one in queue.idle}
    assert {team: one.ticket_id for team, one in offered.items()} == {"Network": "urgent", "Apps": "mail"}
    assert (offered["Network"].finished, offered["Apps"].finished) == (12, 9)
    assert offered["Network"].from_team == "Desk"
    assert offered["Network"].words == (
        "Network has nothing to work on and finished 12 tickets of Laptop in eight weeks: take urgent, which waits for Desk."
    )


@pytest.mark.parametrize(
    "more",
    [
        waiting("own", "Network", "Laptop", "3"),  # it has something to do
        [],  # nobody else knows this category
    ],
)
def test_who_has_work_or_has_not_shown_the_skill_is_offered_nothing(more: list[dict[str, Any]]) -> None:
    history = finished("Desk", "Laptop", 40) + (
        finished("Network", "Laptop", 12) if more else finished("Network", "Laptop", 4)
    )
    assert queue_of(history, BUSY, more).idle == ()


def test_a_team_whose_tickets_all_wait_for_the_customer_is_idle() -> None:
    paused = waiting("own", "Network", "Laptop", status="waiting", waiting_on="customer")
    assert [one.team for one in queue_of(HISTORY, BUSY, paused).idle] == ["Network", "Apps"]


def test_what_somebody_has_and_the_only_ticket_of_a_team_are_not_offered() -> None:
    taken = [*waiting("plain", "Desk", "Laptop"), *waiting("urgent", "Desk", "Laptop", "1", assignee="Ada")]
    assert [one.ticket_id for one in queue_of(HISTORY, taken).idle] == ["plain"]
    assert queue_of(HISTORY, waiting("alone", "Desk", "Laptop", "1")).idle == ()


def test_no_ticket_is_offered_twice_and_the_rules_alone_offer_nothing() -> None:
    both = [*HISTORY, *finished("Cloud", "Laptop", 30)]
    offered = queue_of(both, BUSY).idle
    assert {one.team: one.ticket_id for one in offered} == {"Cloud": "urgent", "Network": "plain", "Apps": "mail"}
    assert queue_of(HISTORY, BUSY, with_model=False).idle == ()


def test_advice_is_shown_and_only_to_those_who_may_see_both_teams() -> None:
    queue = queue_of(HISTORY, BUSY)
    assert [one["ticket_id"] for one in document(queue)["idle_teams"]] == [one.ticket_id for one in queue.idle]
    assert "Idle: Network has nothing to work on" in as_table(queue)
    assert seen_by(queue, Scope(teams=("Desk",))).idle == ()
    assert [one.team for one in seen_by(queue, Scope(teams=("Desk", "Network"))).idle] == ["Network"]
    assert seen_by(queue, Scope(services=("Telephony",))).idle == ()
