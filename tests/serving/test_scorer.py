"""The scorer against a slow, obvious second way."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.histories import Histories, log_of
from features.live import LiveHistories
from features.pipeline import build
from features.snapshots import open_snapshots
from serving.queue import Queue, QueueRow
from serving.risk import Risk, Thresholds, group_of, risk_words
from serving.scorer import Scorer, desk_zone
from sla.clocks.ticket_clocks import replay_ticket
from sla.events import TicketEvent
from sla.instants import to_us
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AT, START, ListStore, agreements, fitted_bundle, frame_of, random_events

TEXTS = ("status", "waiting_on", "priority", "team", "assignee")


def slow_tickets(events: pd.DataFrame, at: datetime) -> dict[str, dict[str, Any]]:
    """Every open ticket with its state, told event by event in plain Python."""
    found: dict[str, dict[str, Any]] = {}
    for event in sorted(events.to_dict("records"), key=lambda event: (event["event_at"], event["event_id"])):
        if event["event_at"] > at or event["recorded_at"] > at:
            continue
        ticket = found.setdefault(
            event["ticket_id"], {"opened_at": event["event_at"], "contact": None, "comment": None}
        )
        ticket.update({name: event[name] for name in TEXTS if isinstance(event[name], str)})
        if event["actor_kind"] == "agent":
            ticket["contact"] = event["event_at"]
            ticket["comment"] = event["event_at"] if event["kind"] == "commented" else ticket["comment"]
    return {key: ticket for key, ticket in found.items() if ticket.get("status", "new") in ("new", "open", "waiting")}


def ticket_events(events: pd.DataFrame, ticket_id: str) -> list[TicketEvent]:
    names = (*TEXTS, "kind", "actor_kind")
    return [
        TicketEvent(
            ticket_id,
            row["event_id"],
            to_us(row["event_at"].to_pydatetime()),
            to_us(row["recorded_at"].to_pydatetime()),
            {name: row[name] for name in names if isinstance(row[name], str)},
        )
        for row in events[events.ticket_id == ticket_id].to_dict("records")
    ]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("hours", [-100, 0, 300])
def test_the_queue_holds_every_open_ticket_as_the_slow_way_finds_it(seed: int, hours: int) -> None:
    events, at = random_events(seed=seed), AT + timedelta(hours=hours)
    queue = Scorer(ListStore(events), agreements()).score(at)
    expected = slow_tickets(events, at)
    rows = by_ticket(queue)
    assert set(rows) == set(expected)
    assert expected or hours == -100
    for ticket_id, state in expected.items():
        row = rows[ticket_id]
        assert {name: getattr(row, name) for name in TEXTS} == {name: state.get(name, "") for name in TEXTS}
        assert row.opened_at == state["opened_at"]
        assert row.last_contact_at == (state["comment"] or state["contact"])
        assert row.title == f"Title of {ticket_id}"
        verdict = replay_ticket(ticket_events(events, ticket_id), agreements(), at, ["resolution"])[0]
        assert row.clock.state == verdict.state.name.lower()
        assert row.clock.due_at == verdict.due_at
        assert row.clock.remaining_working_seconds == verdict.remaining_seconds
        assert (row.risk, row.rules_risk) == risk_words(row.clock, None, Thresholds())
        assert row.group == group_of(row.risk, row.clock, Thresholds())


def test_last_contact_is_the_last_public_comment_of_the_desk_else_its_last_act() -> None:
    rows = [
        {"event_id": "a1", "ticket_id": "A", "kind": "created", "actor_kind": "customer", "status": "new"},
        {"event_id": "a2", "ticket_id": "A", "kind": "commented", "actor_kind": "agent"},
        {"event_id": "a3", "ticket_id": "A", "kind": "worked", "actor_kind": "agent"},
        {"event_id": "b1", "ticket_id": "B", "kind": "created", "actor_kind": "customer", "status": "new"},
        {"event_id": "b2", "ticket_id": "B", "kind": "worked", "actor_kind": "agent"},
        {"event_id": "b3", "ticket_id": "B", "kind": "commented", "actor_kind": "customer"},
        {"event_id": "c1", "ticket_id": "C", "kind": "created", "actor_kind": "customer", "status": "new"},
    ]
    for hour, event in enumerate(rows):
        event["event_at"] = event["recorded_at"] = START + timedelta(hours=hour)  # type: ignore[assignment]
    queue = Scorer(ListStore(frame_of(rows)), agreements()).score(AT)
    contact = {ticket_id: row.last_contact_at for ticket_id, row in by_ticket(queue).items()}
    assert contact == {"A": START + timedelta(hours=1), "B": START + timedelta(hours=4), "C": None}


def test_a_waiting_ticket_says_for_whom_and_since_when() -> None:
    rows = [
        {"event_id": "1", "kind": "created", "status": "open", "waiting_on": "", "priority": "3"},
        {"event_id": "2", "kind": "status", "status": "waiting", "waiting_on": "supplier"},
        {"event_id": "3", "kind": "status", "status": "waiting", "waiting_on": "customer"},
        {"event_id": "4", "kind": "noted"},
    ]
    for hour, event in enumerate(rows):
        event |= {
            "ticket_id": "A",
            "event_at": START + timedelta(hours=hour),
            "recorded_at": START + timedelta(hours=hour),
        }  # type: ignore[dict-item]
    row = Scorer(ListStore(frame_of(rows)), agreements()).score(START + timedelta(hours=6)).rows[0]
    assert row.risk is Risk.PAUSED
    assert row.waiting_since == START + timedelta(hours=2)
    assert row.reasons[0] == "Waiting on the customer since Wed 09:00 CET"
    assert row.why_here == "Clock paused: waits on the customer for 4 h"


def test_probabilities_are_the_bundles_for_exactly_the_undecided_tickets() -> None:
    events = random_events(80)
    bundle = fitted_bundle(events)
    queue = Scorer(ListStore(events), agreements(), bundle).score(AT)
    histories = Histories.from_events(events, agreements())
    snapshots = open_snapshots(histories, to_us(AT))
    expected = bundle.predict(build(histories, snapshots, bundle.spec))
    rows = by_ticket(queue)
    for place, ticket in enumerate(snapshots.ticket):
        row = rows[histories.ticket_ids[ticket]]
        if row.clock.state in ("running", "paused"):
            assert row.probability == pytest.approx(expected[place], abs=1e-12)
            assert row.bundle_version == "breach v1"
            assert row.reasons
        else:
            assert row.probability is None
            assert row.bundle_version is None
    assert {row.clock.state for row in queue.rows} >= {
        "running",
        "paused",
        "breached",
        "paused_and_breached",
        "no_agreement",
    }
    assert queue.bundle_version == "breach v1"
    assert queue.rules_only_reason is None


def test_a_paused_ticket_says_first_what_it_waits_for_whatever_the_model_says() -> None:
    events = random_events(80)
    scorer = Scorer(ListStore(events), agreements(), fitted_bundle(events))
    paused = [row for row in scorer.score(AT).rows if row.risk is Risk.PAUSED]
    assert paused
    for row in paused:
        assert row.reasons[0].startswith("Waiting on the customer since ")
        found = scorer.ticket(row.ticket_id, AT)
        assert found is not None
        assert found.reasons[0].contribution is None
        assert all(reason.contribution for reason in found.reasons[1:])


def test_news_read_in_parts_gives_the_same_queue_as_all_at_once() -> None:
    events = random_events(60)
    store = ListStore(events)
    store.visible = 100
    scorer = Scorer(store, agreements())
    assert scorer.read_news() is True
    assert scorer.read_news() is False
    before = scorer.score(AT)
    store.visible = len(events)
    assert scorer.read_news() is True
    assert scorer.score(AT).rows == Scorer(ListStore(events), agreements()).score(AT).rows != before.rows
    assert store.read == [100, len(events) - 100]  # nothing is read twice


def test_a_bundle_can_come_and_go_and_the_queue_says_which() -> None:
    events = random_events()
    scorer = Scorer(ListStore(events), agreements())
    assert scorer.score(AT).rules_only_reason == "Rules only: no model is loaded"
    scorer.use(fitted_bundle(events, "breach v2"))
    assert scorer.score(AT).bundle_version == "breach v2"
    scorer.use(None, "Rules only: no model is loaded (MLflow was emptied)")
    queue = scorer.score(AT)
    assert (queue.bundle_version, queue.rules_only_reason) == (
        None,
        "Rules only: no model is loaded (MLflow was emptied)",
    )
    assert all(row.probability is None for row in queue.rows)


def test_a_ticket_file_agrees_with_its_row_in_the_queue_open_or_finished() -> None:
    events = random_events(60)
    scorer = Scorer(ListStore(events), agreements(), fitted_bundle(events))
    queue = scorer.score(AT)
    finished, rows = 0, by_ticket(queue)
    for ticket_id in events.ticket_id.unique():
        found = scorer.ticket(ticket_id, AT)
        if found is None:
            assert ticket_id not in rows
            continue
        assert _rounded(found.row) == _rounded(rows.get(ticket_id))  # a batch adds up in another order
        finished += found.row is None
        assert all(max(event.event_at, event.recorded_at) <= AT for event in found.events)
        if found.row and found.clocks and found.clocks[0].clock.target == "resolution":
            assert found.clocks[0].clock == found.row.clock
        if found.row and found.row.probability is not None:
            assert [reason.text for reason in found.reasons] == list(found.row.reasons)
    assert finished
    assert scorer.ticket("unknown", AT) is None
    assert scorer.ticket(str(events.ticket_id[0]), START - timedelta(days=1)) is None


def _rounded(row: QueueRow | None) -> QueueRow | None:
    return replace(row, probability=round(row.probability, 12)) if row and row.probability else row


def test_an_empty_store_has_an_empty_queue() -> None:
    queue: Queue = Scorer(ListStore(random_events(1).iloc[:0]), agreements()).score(AT)
    assert queue.rows == ()
    assert queue.counts.all == 0


def test_scoring_events_that_come_along_knows_nothing_else() -> None:
    events = random_events(30)
    scorer = Scorer(ListStore(events.iloc[:0]), agreements())
    alone = scorer.score_events(log_of(events[events.ticket_id == "T003"]), AT)
    assert {row.ticket_id for row in alone.rows} <= {"T003"}
    assert alone.rows == tuple(
        row for row in Scorer(ListStore(events), agreements()).score(AT).rows if row.ticket_id == "T003"
    )


def test_the_desks_zone_is_the_agreements() -> None:
    assert desk_zone(agreements()) == "Europe/Berlin"
    assert (
        Scorer(ListStore(random_events(2)), agreements(), time_zone="America/New_York").score(AT).zone
        == "America/New_York"
    )


def test_the_probability_grows_as_time_passes_without_any_event() -> None:
    """Time passes: the same ticket, nothing happens, and yet another score."""
    events = random_events(60)
    scorer = Scorer(ListStore(events), agreements(), fitted_bundle(events))
    first, later = by_ticket(scorer.score(AT)), by_ticket(scorer.score(AT + timedelta(hours=2)))
    both = [key for key, row in first.items() if row.probability and key in later and later[key].probability]
    moved = [first[key].probability != later[key].probability for key in both if first[key].clock.state == "running"]
    assert moved
    assert np.mean(moved) > 0.9


def test_a_large_desk_is_shown_by_the_rules_until_the_model_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    events = random_events(60)
    scorer = Scorer(ListStore(events), agreements(), fitted_bundle(events))
    assert scorer.first(AT) is None  # small: the model is asked as quickly
    monkeypatch.setattr(LiveHistories, "is_long", True)
    shown, ruled = scorer.first(AT), Scorer(ListStore(events), agreements()).score(AT)
    assert shown is not None
    assert shown.rules_only_reason == "Rules only: the model's first probabilities are being worked out"
    assert shown.bundle_version is None
    assert shown.rows == ruled.rows
    scored = scorer.score(AT)
    assert scored.rules_only_reason is None
    assert scored.rows == Scorer(ListStore(events), agreements(), fitted_bundle(events)).score(AT).rows
    assert Scorer(ListStore(events), agreements()).first(AT) is None  # the rules alone need no first word
