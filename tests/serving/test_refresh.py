"""Between ticks: tickets with news are scored at once, the others as the model saw them at the tick."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from features.schema import SERVICE_COLUMNS, conform_service_events
from serving.queue import QueueRow
from serving.scorer import Scorer
from sla.agreements.loading import parse_agreements
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AGREEMENTS, AT, ListStore, agreements, fitted_bundle, frame_of, random_events

EVENTS = random_events(60)
BUNDLE = fitted_bundle(EVENTS)
SOON = AT + timedelta(minutes=40)


class Asked:
    """A bundle that counts the rows it is asked about."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(BUNDLE, name)

    def predict(self, rows: pd.DataFrame) -> Any:
        self.rows.append(len(rows))
        return BUNDLE.predict(rows)


def event(ticket_id: str, at: datetime, **values: Any) -> dict[str, Any]:
    return {
        "event_id": f"{ticket_id}/{at:%H%M%S}/x", "ticket_id": ticket_id, "event_at": at, "recorded_at": at,
        "kind": "created", "actor_kind": "customer", **values,
    }  # fmt: skip


def with_news(*records: dict[str, Any], bundle: Any = BUNDLE) -> tuple[Scorer, ListStore]:
    """A scorer that has scored at AT and now has news."""
    store = ListStore(EVENTS, frame_of(list(records)))
    store.visible = len(EVENTS)
    scorer = Scorer(store, agreements(), bundle)
    scorer.read_news()
    scorer.score(AT)
    store.visible += len(records)
    return scorer, store


def running(rows: dict[str, QueueRow]) -> list[str]:
    return [ticket_id for ticket_id, row in rows.items() if row.clock.state == "running"]


def test_a_touched_ticket_is_what_a_whole_scoring_makes_of_it_and_the_others_keep_their_probability() -> None:
    known = by_ticket(Scorer(ListStore(EVENTS), agreements(), BUNDLE).score(AT))
    touched = running(known)[0]
    scorer, store = with_news(
        event(touched, SOON, kind="priority", priority="4"), event("NEW", SOON, status="new", priority="2")
    )
    assert scorer.read_news()
    found = scorer.refresh(SOON)
    whole = by_ticket(Scorer(store, agreements(), BUNDLE).score(SOON))
    rows = by_ticket(found)
    assert list(rows) == [row.ticket_id for row in found.rows]
    assert set(rows) == set(whole)
    assert (found.as_of, found.asked_at) == (SOON, AT)
    for ticket_id in (touched, "NEW"):
        assert rows[ticket_id].probability == pytest.approx(whole[ticket_id].probability, abs=1e-12)
        assert rows[ticket_id].reasons == whole[ticket_id].reasons
    kept = 0
    for ticket_id, row in rows.items():
        assert row.clock == whole[ticket_id].clock  # verdicts and times are those of the instant, for all
        if ticket_id not in (touched, "NEW") and row.probability is not None:
            assert row.probability == known[ticket_id].probability
            kept += 1
    assert kept > 5


def test_the_model_is_asked_about_tickets_with_news_alone() -> None:
    bundle = Asked()
    scorer, _store = with_news(event("NEW", SOON, status="new", priority="2"), bundle=bundle)
    scorer.read_news()
    scorer.refresh(SOON)
    scorer.refresh(SOON + timedelta(minutes=1))
    assert bundle.rows[1:] == [1]
    scorer.score(SOON)
    assert bundle.rows[2] > 5


def test_several_refreshes_and_one_whole_scoring_agree_on_all_that_was_touched() -> None:
    news = [event(f"N{number}", SOON + timedelta(minutes=number), status="new", priority="3") for number in range(4)]
    scorer, store = with_news(*news)
    store.visible -= 4
    for _step in range(4):
        store.visible += 1
        assert scorer.read_news()
        found = by_ticket(scorer.refresh(SOON + timedelta(minutes=3)))
    whole = by_ticket(Scorer(store, agreements(), BUNDLE).score(SOON + timedelta(minutes=3)))
    for number in range(4):
        assert found[f"N{number}"].probability == pytest.approx(whole[f"N{number}"].probability, abs=1e-12)
        assert found[f"N{number}"].reasons == whole[f"N{number}"].reasons


def test_an_event_from_the_future_shows_when_its_time_has_come_and_a_late_one_at_once() -> None:
    ahead = event("AHEAD", SOON + timedelta(hours=1), status="new", priority="2")
    late = event("LATE", AT - timedelta(days=2), status="new", priority="2") | {"recorded_at": SOON}
    scorer, _store = with_news(ahead, late)
    scorer.read_news()
    first = by_ticket(scorer.refresh(SOON))
    assert "AHEAD" not in first
    assert first["LATE"].probability is not None or first["LATE"].clock.state == "breached"
    later = by_ticket(scorer.refresh(SOON + timedelta(hours=2)))
    assert later["AHEAD"].probability is not None


def test_a_clock_set_back_is_scored_whole_as_the_desk_was_then() -> None:
    scorer, store = with_news(event("NEW", SOON, status="new", priority="2"))
    scorer.read_news()
    scorer.refresh(SOON)
    back = scorer.refresh(AT - timedelta(hours=5))
    assert back.rows == Scorer(store, agreements(), BUNDLE).score(AT - timedelta(hours=5)).rows
    assert back.asked_at == back.as_of


def test_another_bundle_or_other_agreements_ask_about_everything() -> None:
    scorer, _store = with_news(event("NEW", SOON, status="new", priority="2"))
    scorer.use(fitted_bundle(EVENTS, "breach v2"))
    found = scorer.refresh(SOON)
    assert (found.bundle_version, found.asked_at) == ("breach v2", SOON)
    scorer.use_agreements(parse_agreements(AGREEMENTS.replace("within: 16 h", "within: 17 h")))
    after = scorer.refresh(SOON + timedelta(minutes=1))
    assert after.asked_at == after.as_of
    assert {row.clock.target_seconds for row in after.rows if row.priority == "2"} == {17 * 3600.0}


def test_an_outage_touches_the_tickets_of_its_service() -> None:
    store = ListStore(
        frame_of(
            [
                event(name, AT - timedelta(hours=1), status="new", priority="3", service=name[0])
                for name in ("a1", "a2", "b1")
            ]
        )
    )
    bundle = Asked()
    scorer = Scorer(store, agreements(), bundle)
    scorer.score(AT)
    outage = {
        "event_id": "S1", "service": "a", "event_at": SOON, "recorded_at": SOON, "kind": "outage", "phase": "start",
    }  # fmt: skip
    frame = pd.DataFrame([outage]).reindex(columns=list(SERVICE_COLUMNS))
    store.of_services = conform_service_events(frame)
    assert scorer.read_news() is True
    assert scorer.read_news() is False
    scorer.refresh(SOON)
    assert bundle.rows == [3, 2]
    assert scorer.histories.services.names == ("a",)
