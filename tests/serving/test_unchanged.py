"""A queue that goes on from the one before says of every ticket what one says that reads everything anew."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from features.live import LiveHistories
from features.schema import conform_ticket_events
from features.snapshots import Snapshots
from models.bundle import BreachBundle
from serving.handling import Handling
from serving.known_events import Touched
from serving.risk import Thresholds
from serving.scored import Scored
from serving.scoring import Scoring
from serving.suggested import OrderSettings
from serving.wording import LocalTime
from sla.agreements.loading import parse_agreements
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import to_us
from tests.serving.real_desk import AT, START, agreements, fitted_bundle, frame_of, random_events

EVENTS = random_events(60, seed=5).sort_values("event_id").reset_index(drop=True)
FIGURES = [field.name for field in fields(VerdictArrays) if field.name != "begin_row"]
SCORING = Scoring(Thresholds(), LocalTime.named("UTC"), OrderSettings())
GAPS = [timedelta(0), timedelta(seconds=1), timedelta(minutes=7), timedelta(hours=2), timedelta(days=2)]


@cache
def bundle() -> BreachBundle:
    return fitted_bundle(EVENTS)


def columns(histories: LiveHistories, at: datetime, **given: Any) -> Scored:
    return SCORING.columns(histories, at, bundle(), ordered_by=Handling(to_us(AT)), **given)


def verdict_figures(found: VerdictArrays | None) -> dict[str, list[int]]:
    assert found is not None
    return {name: getattr(found, name).tolist() for name in FIGURES}


def read(scored: Scored) -> dict[str, Any]:
    facts = scored.facts
    told: dict[str, list[object]] = {"title": facts.title.tolist()} | {
        name: list(column) for name, column in facts.texts.items()
    }
    return told | {
        "ticket": facts.ticket_ids.tolist(),
        "has a probability": (~np.isnan(scored.estimates.probability)).tolist(),
        "opened": facts.opened_us.tolist(),
        "waits": facts.waiting_since_us.tolist(),
        "contact": facts.last_contact_us.tolist(),
        "leading": verdict_figures(scored.leading),
        "responses": verdict_figures(scored.responses),
        "of a few": verdict_figures(scored.response(np.arange(0, len(facts.ticket_ids), 3))),
    }


@pytest.mark.parametrize("seed", range(8))
def test_what_is_carried_on_is_what_reading_everything_gives(seed: int) -> None:
    chance = random.Random(seed)
    at = START + timedelta(hours=chance.randrange(20, 200))
    parts = np.array(chance.choices(range(4), (6, 1, 1, 1), k=len(EVENTS)))
    known = LiveHistories.of(EVENTS[parts == 0], agreements())
    scored = columns(known, at)
    for part in (1, 2, 3):
        at, news = at + chance.choice(GAPS), EVENTS[parts == part]
        known, touched = known.with_news(news), Touched(set(news["ticket_id"]))
        scored = columns(known, at, before=scored, touched=touched)
        assert read(scored) == read(columns(known, at))


def running(scored: Scored) -> str:
    runs = (scored.leading.state == VerdictState.RUNNING) & ~scored.facts.texts["priority"].is_among({"1"})
    return str(scored.facts.ticket_ids[np.flatnonzero(runs)[0]])


def test_an_event_from_the_future_is_news_when_its_instant_comes() -> None:
    ticket, soon = running(columns(LiveHistories.of(EVENTS, agreements()), AT)), AT + timedelta(hours=1)
    ahead = {"event_id": "x", "ticket_id": ticket, "event_at": soon, "recorded_at": soon, "kind": "priority", "priority": "1"}  # fmt: skip
    known = LiveHistories.of(EVENTS, agreements()).with_news(frame_of([ahead]))
    before = columns(known, AT)
    assert before.facts.texts["priority"][before.places_of([ticket])[0]] != "1"
    after = columns(known, soon, before=before, touched=Touched())
    assert after.facts.texts["priority"][after.places_of([ticket])[0]] == "1"
    assert read(after) == read(columns(known, soon))


def test_only_what_is_new_is_read_again() -> None:
    asked: list[int] = []
    plain = LiveHistories.verdicts

    def counting(self: LiveHistories, snapshots: Snapshots, target: str) -> VerdictArrays:
        asked.append(len(snapshots))
        return plain(self, snapshots, target)

    known = LiveHistories.of(EVENTS, agreements())
    before = columns(known, AT)
    with patch.object(LiveHistories, "verdicts", counting):
        after = columns(known, AT + timedelta(seconds=1), before=before, touched=Touched({running(before)}))
    assert len(after.facts.ticket_ids) > 10
    assert asked == [1, 1]  # of the resolution and of the response


RESPONSE_ALONE = """
slacast: 1
time_zone: UTC
calendars: {always: {time_zone: UTC, always_open: true}}
agreements:
  - name: Desk
    calendar: always
    targets: [{metric: first_response, goals: [{default: true, within: 2 h}]}]
"""


def test_agreements_without_the_target_have_no_verdicts_to_carry_on() -> None:
    known = LiveHistories.of(EVENTS, parse_agreements(RESPONSE_ALONE))
    before = SCORING.columns(known, AT, None)
    after = SCORING.columns(known, AT + timedelta(hours=1), None, before=before, touched=Touched())
    assert set(after.leading.state.tolist()) == {VerdictState.NO_AGREEMENT}


def test_the_bundle_is_asked_again_about_tickets_of_a_service_with_news_alone() -> None:
    events = EVENTS.assign(service=np.where(EVENTS["ticket_id"] < "T030", "mail", "print"))
    known, later = LiveHistories.of(conform_ticket_events(events), agreements()), AT + timedelta(minutes=1)
    before = columns(known, AT)
    after = columns(known, later, before=before, touched=Touched(services={"mail"}))
    was_asked = after.estimates.row >= 0
    asked_now = after.estimates.asked_us == to_us(later)
    assert {"mail", "print"} == set(after.facts.texts["service"][was_asked])
    assert (asked_now[was_asked] == (after.facts.texts["service"][was_asked] == "mail")).all()
    assert (after.estimates.asked_us[was_asked & ~asked_now] == to_us(AT)).all()
