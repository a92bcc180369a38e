"""How much work the live queue expects of a ticket: learned from finished ones, less what was done, by a registered model where there is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from models.work_marks import COLUMNS, WorkTime
from models.work_time import CategoryMeans, WorkTimeModel
from serving.scorer import Scorer
from serving.suggested import OrderSettings
from tests.serving.builders import by_ticket, order_of
from tests.serving.real_desk import AT, START, ListStore, agreements, fitted_bundle, frame_of
from training.work_time import fit_work_time


def desk_events(finished: int, booked: bool) -> list[dict[str, Any]]:
    """Tickets of two categories that take 20 and 200 minutes, and two open ones of equal promise."""
    events = []
    for number in range(finished):
        is_long = number % 2 == 0
        minutes = 200 if is_long else 20
        begin = START + timedelta(hours=2, minutes=number)
        name = f"F{number:03d}"
        facts = {"ticket_id": name, "category": "Laptop" if is_long else "Password", "priority": "3", "team": "Desk"}
        lines: list[dict[str, Any]] = [
            {"kind": "created", "status": "open", "event_at": begin - timedelta(minutes=30), **facts},
            {"kind": "assigned", "assignee": "Ada", "event_at": begin, **facts},
            {"kind": "status", "status": "resolved", "event_at": begin + timedelta(minutes=minutes), **facts},
        ]
        if booked:
            lines[2]["attributes.handling_minutes"] = str(minutes // 2)
        events += lines
    for name, category in (("long", "Laptop"), ("short", "Password")):
        facts = {"ticket_id": name, "category": category, "priority": "3", "team": "Desk"}
        events.append({"kind": "created", "status": "open", "event_at": AT - timedelta(hours=1), **facts})
    for place, event in enumerate(events):
        event |= {"event_id": f"{place}", "recorded_at": event["event_at"], "actor_kind": "agent"}
    return events


@pytest.mark.parametrize(("booked", "share"), [(False, 1.0), (True, 0.5)])
def test_work_still_needed_is_learned_from_finished_tickets(booked: bool, share: float) -> None:
    events = frame_of(desk_events(400, booked))
    queue = Scorer(ListStore(events), agreements(), fitted_bundle(events)).score(AT)
    rows = by_ticket(queue)
    assert rows["long"].work_minutes == pytest.approx(200 * share, rel=0.1)
    assert rows["short"].work_minutes == pytest.approx(20 * share, rel=0.1)
    assert (rows["short"].rank_in_team, rows["long"].rank_in_team) == (1, 2)
    assert ("minutes booked on 400" if booked else "time from pick-up to the end of 400") in queue.order_words


def test_few_finished_tickets_leave_a_stated_assumption() -> None:
    events = frame_of(desk_events(20, booked=False))
    settings = OrderSettings(assumed_minutes=45.0)
    queue = Scorer(ListStore(events), agreements(), fitted_bundle(events), order=settings).score(AT)
    assert by_ticket(queue)["long"].work_minutes == pytest.approx(45.0)
    assert "an assumption, 45 minutes a ticket" in queue.order_words


def test_work_done_is_taken_off_what_a_ticket_still_needs() -> None:
    events = desk_events(400, booked=False)
    picked = {
        "event_id": "picked", "ticket_id": "long", "kind": "assigned", "assignee": "Ada", "event_at": AT - timedelta(minutes=30),
        "recorded_at": AT - timedelta(minutes=30), "actor_kind": "agent",
    }  # fmt: skip
    frame = frame_of([*events, picked])
    rows = by_ticket(Scorer(ListStore(frame), agreements(), fitted_bundle(frame)).score(AT))
    assert rows["long"].work_minutes == pytest.approx(170, rel=0.1)


def test_nothing_recorded_later_changes_what_is_believed_of_work() -> None:
    events = frame_of(desk_events(400, booked=False))
    late = events.assign(recorded_at=events["recorded_at"].where(events["ticket_id"] < "F200", AT + timedelta(days=1)))
    late = late[(late["kind"] == "status") | (late["recorded_at"] <= AT)]
    known = late[late["recorded_at"] <= AT]
    bundle = fitted_bundle(events)
    seen, told_later = (Scorer(ListStore(frame), agreements(), bundle).score(AT) for frame in (known, late))
    assert order_of(seen) == order_of(told_later)


def test_a_work_time_model_that_learned_more_than_means_orders_the_queue_and_is_named() -> None:
    events = frame_of(desk_events(400, booked=True))
    scorer = Scorer(ListStore(events), agreements(), fitted_bundle(events))
    before = by_ticket(scorer.score(AT))
    orders = dict.fromkeys(COLUMNS, ()) | {"category": ("Laptop", "Password")}
    X = np.tile(np.array([[0.0], [1.0]]), (200, len(COLUMNS)))
    trees = fit_work_time(X + np.linspace(0, 1e-9, 400)[:, None], np.where(X[:, 0] == 0, 5.0, 500.0), (1,)).booster
    means = CategoryMeans((0, 1), {}, 3.0, 0.5)
    work = WorkTime(orders, WorkTimeModel(means, trees, 1.0, 0.5), "booked", 400, "work-time v7")
    scorer.use_work_time(work)
    queue = scorer.score(AT)
    after = by_ticket(queue)
    assert after["long"].work_minutes < after["short"].work_minutes  # type: ignore[operator]
    assert before["long"].work_minutes > before["short"].work_minutes  # type: ignore[operator]
    assert (after["long"].rank_in_team, after["short"].rank_in_team) == (1, 2)
    assert "what work-time v7 learned from the minutes booked on 400 tickets" in queue.order_words
    scorer.use_work_time(replace(work, minutes="pick_up"))
    assert by_ticket(scorer.score(AT))["long"].work_minutes == before["long"].work_minutes
