"""How stored scores came true: docs/operations.md, and GET /metrics."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.live import LiveHistories
from features.schema import INSTANT_DTYPE
from features.store import Store, StoreError
from serving.gauges import Gauges
from serving.metrics import Metrics
from serving.quality.came_true import CameTrue, calibration_error, came_true
from serving.service import Service
from sla.clocks.verdicts import VerdictState
from sla.instants import to_us
from tests.serving.job_desk import asked
from tests.serving.real_desk import AT, agreements, random_events
from tests.serving.stored_desk import Desk

DAY = timedelta(days=1)
EVENTS = random_events(60)


@pytest.fixture(scope="module")
def histories() -> LiveHistories:
    return LiveHistories(agreements()).with_news(EVENTS)


def said(
    rows: list[tuple[str, float | None, float]], version: str | None = "breach v1", *, is_shadow: bool = False
) -> pd.DataFrame:
    """Scores as stored: ticket, probability, days before AT."""
    at = pd.Series([AT - DAY * days for _, _, days in rows]).astype(INSTANT_DTYPE)
    frame = pd.DataFrame(
        {
            "ticket_id": [ticket for ticket, _, _ in rows],
            "target": "resolution",
            "is_shadow": is_shadow,
            "scored_at": at,
            "snapshot_at": at,
            "state": "running",
            "probability": [np.nan if p is None else p for _, p, _ in rows],
        }
    )
    return frame if version is None else frame.assign(bundle_version=version)


def outcomes(histories: LiveHistories) -> dict[str, float | None]:
    """The outcome of each ticket now, asked one by one."""
    found: dict[str, float | None] = {}
    for ticket_id in EVENTS["ticket_id"].unique():
        snapshots = histories.looked_at(ticket_id, to_us(AT))
        assert snapshots is not None
        verdict = histories.verdicts(snapshots, "resolution")
        is_known = verdict.is_breached[0] or verdict.state[0] == VerdictState.MET
        found[ticket_id] = float(verdict.is_breached[0]) if is_known else None
    return found


def judged(store: Store, histories: LiveHistories, **values: timedelta) -> list[CameTrue]:
    return came_true(store.predictions, histories, AT, **{"window": 20 * DAY, "delay": DAY, **values})


def test_what_was_said_first_of_each_ticket_counts_whatever_was_said_later(
    store: Store, histories: LiveHistories
) -> None:
    known = outcomes(histories)
    broken = next(name for name, outcome in known.items() if outcome == 1.0)
    met = next(name for name, outcome in known.items() if outcome == 0.0)
    undecided = next(name for name, outcome in known.items() if outcome is None)
    store.predictions.append(
        said([(broken, 0.7, 4), (broken, 0.5, 5), (broken, 0.9, 3), (met, 0.2, 3), (undecided, 0.4, 3)])
    )
    (found,) = judged(store, histories)
    assert (found.bundle_version, found.tickets, found.undecided) == ("breach v1", 2, 1)
    assert found.expected == pytest.approx((0.5 + 0.2) / 2)
    assert found.observed == pytest.approx(0.5)
    assert found.brier == pytest.approx((0.25 + 0.04) / 2)
    assert found.calibration_error == pytest.approx((0.5 + 0.2) / 2)
    assert (found.since, found.until) == (AT - 21 * DAY, AT - DAY)


def test_bundles_and_their_shadows_are_judged_apart_and_rules_not_at_all(
    store: Store, histories: LiveHistories
) -> None:
    names = [name for name, outcome in outcomes(histories).items() if outcome is not None][:4]
    for version, is_shadow, p in (("breach v1", False, 0.2), ("breach v2", True, 0.8)):
        store.predictions.append(said([(name, p, 5) for name in names], version, is_shadow=is_shadow))
    store.predictions.append(said([(names[0], None, 2)], None))
    found = judged(store, histories)
    assert [(one.bundle_version, one.is_shadow, one.tickets) for one in found] == [("breach v1", False, 4), ("breach v2", True, 4)]  # fmt: skip


def test_only_the_closed_window_counts(store: Store, histories: LiveHistories) -> None:
    name = next(name for name, outcome in outcomes(histories).items() if outcome is not None)
    store.predictions.append(said([(name, 0.1, 30), (name, 0.5, 10), (name, 0.9, 0.5)]))
    (found,) = judged(store, histories)
    assert found.expected == pytest.approx(0.5)
    assert judged(store, histories, delay=40 * DAY) == []


def test_a_ticket_nobody_knows_any_more_does_not_count(store: Store, histories: LiveHistories) -> None:
    store.predictions.append(said([("erased", 0.5, 5)]))
    (found,) = judged(store, histories)
    assert (found.tickets, found.undecided) == (0, 1)
    assert math.isnan(found.brier)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_calibration_error_lies_between_its_bounds(rows: list[tuple[float, bool]]) -> None:
    p, y = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    error = calibration_error(p, y)
    assert abs(float(np.mean(p - y))) - 1e-9 <= error <= float(np.mean(np.abs(p - y))) + 1e-9


def test_the_calibration_error_is_that_of_ten_parts_in_order() -> None:
    p = np.arange(20) / 20
    y = np.array([0.0, 1.0] * 10)
    by_hand = sum(abs(p[2 * k : 2 * k + 2].sum() - 1.0) for k in range(10)) / 20
    assert calibration_error(p, y) == pytest.approx(by_hand)
    assert calibration_error(p[::-1], y[::-1]) == pytest.approx(by_hand)


def test_a_perfect_forecaster_has_little_error_and_a_turned_one_much() -> None:
    chance = np.random.default_rng(1)
    p = chance.uniform(0, 1, 20_000)
    y = (chance.uniform(0, 1, 20_000) < p).astype(np.float64)
    assert calibration_error(p, y) < 0.02
    assert calibration_error(1 - p, y) > 0.4


@pytest.fixture
def service(prepared_desk: Path, tmp_path: Path) -> Iterator[Service]:
    desk = Desk(prepared_desk, tmp_path, use_model=True, judged_days=20, judged_after_days=1)
    yield desk.service
    desk.close()


def test_metrics_tell_of_scores_alerts_and_jobs_as_they_were_at_the_last_look(service: Service) -> None:
    gauges = Gauges(service)
    metrics = Metrics(service, gauges=gauges)
    assert "slacast_judged" not in metrics.text().decode().replace("# HELP slacast_judged", "").replace(
        "# TYPE slacast_judged", ""
    )
    store = service.written()
    ids = random_events(30)["ticket_id"].unique()
    store.predictions.append(said([(str(name), 0.25, 5) for name in ids]))
    frame = pd.DataFrame(
        {
            "key": ["a", "b", "c"], "rule": "Late", "subject_kind": "ticket", "subject": ["1", "2", "3"],
            "event": ["raised", "raised", "held"], "raised_at": pd.Series([AT] * 3).astype(INSTANT_DTYPE), "message": "late",
        }
    )  # fmt: skip
    store.alerts.append(frame, [("pager",), ("pager",), ()], due_at=AT)
    gauges.look(judges=True)
    text = metrics.text().decode()
    assert 'slacast_judged_expected{shadow="false",version="breach v1"} 0.25' in text
    (one,) = gauges.taken.came_true
    assert f'slacast_judged_tickets{{shadow="false",version="breach v1"}} {float(one.tickets)}' in text
    assert one.tickets > 0
    assert 'slacast_alerts{event="raised",rule="Late"} 2.0' in text
    assert 'slacast_alerts{event="held",rule="Late"} 1.0' in text
    assert "slacast_alerts_waiting 2.0" in text
    assert 'slacast_jobs{state="waiting"} 0.0' in text


def test_while_the_store_is_away_the_last_figures_stay(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gauges = Gauges(service)
    gauges.look(judges=False)
    asked(service.written())

    def away() -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(service.written().jobs, "counts", away)
    gauges.look(judges=False)
    gauges.look(judges=False)
    assert caplog.text.count("Figures cannot be taken: StoreError: the database is away\n") == 1
    assert gauges.taken.jobs["waiting"] == 0
    monkeypatch.undo()
    gauges.look(judges=False)
    assert gauges.taken.jobs["waiting"] == 1


def test_the_background_looks_by_itself(service: Service) -> None:
    gauges = Gauges(service)
    gauges.start()
    try:
        for _ in range(200):
            if gauges.taken.jobs:
                break
            time.sleep(0.05)
        assert gauges.taken.jobs["running"] == 0
    finally:
        gauges.stop()
