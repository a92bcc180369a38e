"""The page of the models: true when there is none, drift as the training range has it, what came true, and only for who may."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from models.bundle import BreachBundle
from serving.access.roles import Role
from serving.drift import drift_of
from serving.quality.calibration import BINS, live_calibration
from serving.quality.statements import first_said
from serving.scorer import Scorer
from tests.serving.builders import busy_desk
from tests.serving.real_desk import AT, ListStore, agreements, fitted_bundle, random_events
from tests.serving.stored_desk import Desk, field, logged_in

HTML = {"Accept": "text/html"}
EVENTS = random_events(120, seed=7)


@pytest.fixture(scope="module")
def bundle() -> BreachBundle:
    return fitted_bundle(EVENTS)


def test_the_live_queue_is_read_and_one_without_a_model_is_not(bundle: BreachBundle) -> None:
    live = Scorer(ListStore(random_events(300, seed=8)), agreements(), bundle).score(AT)
    found = drift_of(live)
    assert found
    assert all(0 <= one.above <= 1 for one in found)
    assert drift_of(Scorer(ListStore(EVENTS), agreements(), None).score(AT)) == []
    assert drift_of(busy_desk(80)) == []


@dataclass(frozen=True)
class Told:
    ticket: str
    hours: float
    probability: float | None
    is_shadow: bool = False


def predictions(*told: Told) -> pd.DataFrame:
    start = datetime(2016, 5, 1, tzinfo=UTC)
    rows = [(one.ticket, start + timedelta(hours=one.hours), one.probability, one.is_shadow) for one in told]
    return pd.DataFrame(rows, columns=["ticket_id", "scored_at", "probability", "is_shadow"])


def clocks(ends: dict[str, bool]) -> pd.DataFrame:
    at = datetime(2016, 5, 2, tzinfo=UTC)
    rows = [(ticket, "resolution", is_met, at) for ticket, is_met in ends.items()]
    return pd.DataFrame(rows, columns=["ticket_id", "target", "is_met", "decided_at"])


def test_what_was_said_first_is_held_against_how_it_ended() -> None:
    told = [Told(f"T{place}", 0, place / 100) for place in range(100)]
    later = [replace(one, hours=5, probability=0.99) for one in told]
    ends = {one.ticket: (one.probability or 0) < 0.5 for one in told}
    shadow = [replace(one, hours=-1, is_shadow=True) for one in told]
    found = live_calibration(first_said(predictions(*shadow, *told, *later), clocks(ends), "resolution"))
    assert sum(part.count for part in found) == 100
    assert [part.said for part in found] == sorted(part.said for part in found)
    assert (found[0].seen, found[-1].seen, len(found)) == (0.0, 1.0, BINS)
    assert sum(part.missed for part in found) == 50


def test_too_few_or_told_too_late_is_no_picture() -> None:
    few = [Told(f"T{place}", 0, 0.5) for place in range(9)]
    late = [Told(f"T{place}", 48, 0.5) for place in range(30)]
    for told in ([], few, late):
        ends = clocks({one.ticket: True for one in told})
        assert live_calibration(first_said(predictions(*told), ends, "resolution")) == []


def test_without_a_model_the_page_says_why_and_what_to_do(desk: Desk) -> None:
    page = desk.client().get("/models")
    assert page.status_code == 200
    assert "No model is registered yet" in page.text
    assert "SLACAST_USE_MODEL is off" in page.text


def test_only_who_may_train_sees_the_button_and_a_click_is_one_job(desk: Desk) -> None:
    desk.add_keys()
    reader, scientist = logged_in(desk, Role.READER), logged_in(desk, Role.SCIENTIST)
    assert "/models/train" not in reader.get("/models", headers=HTML).text
    page = scientist.get("/models", headers=HTML).text
    assert "/models/train" in page
    sent = {"csrf": field(page, "csrf"), "once": field(page, "once"), "next": "/models"}
    first, second = (scientist.post("/models/train", data=sent) for _ in range(2))
    assert (first.status_code, first.headers["location"]) == (303, second.headers["location"])
    job = scientist.get(first.headers["location"], headers=HTML)
    assert job.status_code == 200
    assert "This page can be left" in job.text
    assert first.headers["location"] in scientist.get("/models", headers=HTML).text
    assert scientist.post("/models/train", data={"once": "x"}).status_code == 403
    token = field(reader.get("/models", headers=HTML).text, "csrf")
    assert reader.post("/models/train", data={"csrf": token}).status_code == 403
    assert (
        reader.post(
            "/models/move", data={"csrf": token, "name": "breach", "version": "1", "reason": "why not"}
        ).status_code
        == 403
    )
    short = {**sent, "name": "breach", "version": "1", "reason": "x"}
    assert scientist.post("/models/move", data=short, headers=HTML).status_code == 422
    gone = {**sent, "name": "breach", "version": "1", "reason": "a good one", "once": "other"}
    assert scientist.post("/models/move", data=gone, headers=HTML).status_code in (404, 422)
    assert scientist.get("/models/jobs/999999", headers=HTML).status_code == 404
