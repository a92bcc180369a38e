"""Requests to score that come at once are scored together, and each gets to the letter what it gets alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.histories import Histories
from features.pipeline import build
from features.selection import FAMILIES
from features.snapshots import event_snapshots
from models.bundle import BreachBundle
from models.finish import FinishModel
from models.hazard_fitting import fit_hazard
from serving.access.roles import Role
from serving.api.score_bodies import ScoreIn
from serving.api.scoring import MOST_SMALL_TICKETS, Wish, events_log, scores_of
from serving.queue import Queue
from sla.events import EventLog
from tests.models.hazard_builders import QUICK
from tests.serving.builders import is_problem
from tests.serving.real_desk import AT, agreements, fitted_bundle, random_events
from tests.serving.stored_desk import TOKENS, Desk
from tests.serving.test_score_api import EVENTS, sent

IDS = sorted(EVENTS.ticket_id.unique())
SECONDS = 60.0


@cache
def bundle() -> BreachBundle:
    """A bundle of all families that also tells when clocks will likely stop."""
    events = random_events(60, seed=4)
    found = fitted_bundle(events, families=FAMILIES)
    histories = Histories.from_events(events, agreements())
    X = build(histories, event_snapshots(histories), found.spec).to_numpy()
    hours = np.random.default_rng(5).exponential(9.0, len(X))
    ends = fit_hazard(X, hours, np.ones(len(X), np.bool_), np.ones(len(X)), found.spec.names, QUICK, seed=0)
    return replace(found, finish=FinishModel(ends, ends))


@pytest.fixture
def modelled(desk: Desk) -> Desk:
    scorer: Any = desk.service.source
    scorer.use(bundle())
    return desk


def wish(body: dict[str, Any]) -> Wish:
    read = ScoreIn.model_validate(body)
    return Wish(read, events_log(read.tickets))


def renamed(ticket: dict[str, Any], ticket_id: str) -> dict[str, Any]:
    """The ticket under another id, its events under ids that are made of it."""
    events = [{name: value for name, value in event.items() if name != "event_id"} for event in ticket["events"]]
    return {"ticket_id": ticket_id, "events": events}


tickets = st.lists(
    st.builds(renamed, st.sampled_from(IDS).map(sent), st.sampled_from(["A", "B", "0000/A", "T001"])),
    min_size=1,
    max_size=3,
    unique_by=lambda ticket: ticket["ticket_id"],
)


@settings(deadline=None, max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(tickets, min_size=2, max_size=5), st.integers(0, 160), st.booleans())
def test_each_answer_is_what_it_is_alone(
    modelled: Desk, asked: list[list[dict[str, Any]]], hours: int, with_range: bool
) -> None:
    as_of = (AT - timedelta(hours=hours)).isoformat()
    wishes = [wish({"as_of": as_of, "tickets": one, "likely_end": with_range}) for one in asked]
    together = scores_of(modelled.service, wishes)
    alone = [scores_of(modelled.service, [one])[0] for one in wishes]
    assert [one.content for one in together] == [one.content for one in alone]
    for found, expected in zip(together, alone, strict=True):
        places = [{name: (row.team, row.service) for name, row in one.rows.items()} for one in (found, expected)]
        assert places[0] == places[1]


def test_what_others_send_would_change_an_answer_were_they_not_kept_apart(modelled: Desk) -> None:
    """The bundle looks at other tickets: without that, the test above would say little."""
    bodies = [
        {"as_of": AT.isoformat(), "tickets": [sent(name) for name in some]} for some in (IDS[:9], IDS[9:18], IDS[:18])
    ]
    first, _second, both = (scores_of(modelled.service, [wish(body)])[0].content for body in bodies)
    chances = {ticket["ticket_id"]: ticket["probability"] for ticket in both["tickets"]}
    assert any(ticket["probability"] != chances[ticket["ticket_id"]] for ticket in first["tickets"])


class Held:
    """A desk whose first scoring waits until as many requests as wanted wait for their turn."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        self.desk, self.together = desk, list[int]()
        self.has_begun, self.let_go = threading.Event(), threading.Event()
        source: Any = desk.service.source
        alone, apart = source.score_events, source.score_apart

        def score_events(events: EventLog, at: datetime) -> Queue:
            if not self.has_begun.is_set():
                self.has_begun.set()
                assert self.let_go.wait(SECONDS)
            return alone(events, at)  # type: ignore[no-any-return]

        def score_apart(logs: Sequence[EventLog], at: datetime) -> Queue:
            self.together.append(len(logs))
            return apart(logs, at)  # type: ignore[no-any-return]

        monkeypatch.setattr(source, "score_events", score_events)
        monkeypatch.setattr(source, "score_apart", score_apart)

    def answers(self, asked: list[tuple[dict[str, Any], Role | None]], waiting: int) -> list[Any]:
        """The answers to requests that come while the first of them is being scored."""

        def ask(one: tuple[dict[str, Any], Role | None]) -> Any:
            return self.desk.client(one[1]).post("/api/v1/score", json=one[0])

        turns = self.desk.app.state.scoring
        with ThreadPoolExecutor(len(asked)) as pool:
            first = pool.submit(ask, asked[0])
            try:
                assert self.has_begun.wait(SECONDS)
                others = [pool.submit(ask, one) for one in asked[1:]]
                while turns.waiting < waiting:
                    assert sum(one.done() for one in others) <= len(others) - waiting
                    threading.Event().wait(0.001)
            finally:
                self.let_go.set()
            return [future.result(SECONDS) for future in (first, *others)]


def body(*ids: str, **values: Any) -> dict[str, Any]:
    return {"tickets": [sent(ticket_id) for ticket_id in ids], **values}


def test_requests_that_come_while_one_is_scored_are_scored_together(
    modelled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = [body("T001"), body("T002", "T003"), body("T002"), body("T004", "T001")]
    alone = [modelled.client().post("/api/v1/score", json=one).json() for one in bodies]
    held = Held(modelled, monkeypatch)
    found = held.answers([(one, None) for one in bodies], waiting=3)
    assert [answer.json() for answer in found] == alone
    assert held.together == [3]


def test_other_instants_and_other_wishes_are_scored_by_themselves(
    modelled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = (AT - timedelta(hours=9)).isoformat()
    bodies = [
        body("T001"),
        body("T002"),
        body("T002", as_of=earlier),
        body("T002", likely_end=False),
        body("T003", as_of=earlier),
    ]
    alone = [modelled.client().post("/api/v1/score", json=one).json() for one in bodies]
    held = Held(modelled, monkeypatch)
    found = held.answers([(one, None) for one in bodies], waiting=4)
    assert [answer.json() for answer in found] == alone
    assert held.together == [2]


def test_a_faulty_request_and_a_large_one_wait_for_nobody_and_spoil_nothing(
    modelled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = body("T002")
    faulty["tickets"][0]["events"][0]["status"] = "opne"
    bodies = [body("T001"), faulty, body(*IDS[: MOST_SMALL_TICKETS + 1]), body("T003"), body("T004")]
    alone = [modelled.client().post("/api/v1/score", json=one) for one in bodies]
    held = Held(modelled, monkeypatch)
    found = held.answers([(one, None) for one in bodies], waiting=2)
    assert [answer.json() for answer in found] == [answer.json() for answer in alone]
    assert [answer.status_code for answer in found] == [200, 422, 200, 200, 200]
    assert held.together == [2]


def test_each_sees_what_his_own_key_may_see(modelled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere, nowhere = Role.READER, Role.DISPATCHER
    modelled.add_keys(everywhere)
    modelled.add_keys(nowhere, teams=("Elsewhere",))
    assert set(TOKENS) >= {everywhere, nowhere}
    asked = [(body("T001"), everywhere), (body("T002"), nowhere), (body("T003"), everywhere)]
    alone = [modelled.client(role).post("/api/v1/score", json=one) for one, role in asked]
    held = Held(modelled, monkeypatch)
    found = held.answers(asked, waiting=2)
    assert [answer.json() for answer in found] == [answer.json() for answer in alone]
    assert [answer.status_code for answer in found] == [200, 403, 200]
    is_problem(found[1], 403)
    assert held.together == [2]
