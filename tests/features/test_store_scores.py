from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from features.store import Store, StoreError
from features.store.alerts import DELIVERED
from features.store.engine import make_engine
from tests.features.stored_alerts import NOON, at, attempted, raised


def prediction(ticket: str = "T1", minute: float = 0, probability: float | None = 0.3, **values: Any) -> dict[str, Any]:
    return {
        "ticket_id": ticket,
        "target": "resolution",
        "is_shadow": False,
        "scored_at": at(minute),
        "snapshot_at": at(minute),
        "bundle_version": "breach v1",
        "state": "running",
        "probability": probability,
        "reasons": '["silent for 3 h"]',
        **values,
    }


def predictions(*records: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(list(records))
    return frame.astype({"scored_at": "datetime64[us, UTC]", "snapshot_at": "datetime64[us, UTC]"})


def slowly_shown(store: Store, ticket: str, target: str, minute: float, most: int) -> list[tuple[Any, ...]]:
    """What `shown` gives, picked from all that is stored."""
    rows = pd.concat(store.predictions.chunks()).to_dict("records")
    mine = [row for row in rows if (row["ticket_id"], row["target"], row["is_shadow"]) == (ticket, target, False)]
    known = sorted((row for row in mine if row["scored_at"] <= at(minute)), key=lambda row: row["scored_at"])
    names = ("scored_at", "state", "probability", "due_at", "bundle_version", "reasons")
    return [tuple(None if pd.isna(row[name]) else row[name] for name in names) for row in known[-most:]]


def test_what_was_shown_of_a_ticket_is_what_a_plain_search_finds(store: Store) -> None:
    stored = [
        prediction("T1", 9, 0.9, due_at=at(60)),
        prediction("T1", 2, 0.2, state="paused"),
        prediction("T1", 4, 0.4, is_shadow=True),
        prediction("T2", 5, 0.5),
        prediction("T1", 5, None, bundle_version=None, reasons=None),
        prediction("T1", 6, 0.6, target="first_response"),
        prediction("T1", 2, 0.7),
    ]
    for one in stored:
        store.predictions.append(predictions({"due_at": None, **one}).astype({"due_at": "datetime64[us, UTC]"}))
    found = store.predictions.shown("T1", "resolution", at(9), 10)
    assert [one.probability for one in found] == [0.2, 0.7, None, 0.9]
    assert (found[-1].due_at, found[0].state, found[2].bundle_version) == (at(60), "paused", None)
    for target in ("resolution", "first_response", "never"):
        for minute in (0, 2, 5.5, 9):
            for most in (1, 3, 10):
                for ticket in ("T1", "T2", "never"):
                    told = store.predictions.shown(ticket, target, at(minute), most)
                    assert list(map(tuple, told)) == slowly_shown(store, ticket, target, minute, most)


def outcome(minute: float, state: str, breached: bool, **values: Any) -> pd.DataFrame:
    record = {"ticket_id": "T1", "target": "resolution", "measurement": 0, "known_at": at(minute), "state": state}
    return pd.DataFrame([{**record, "breached": breached, **values}])


def test_predictions_come_back_as_they_were_stored(store: Store) -> None:
    frame = predictions(prediction("T1"), prediction("T2", 1, None, bundle_version=None, reasons=None))
    assert store.predictions.append(frame).inserted == 2
    found = pd.concat(store.predictions.chunks())
    expected = frame.astype(dict.fromkeys(("bundle_version", "reasons", "state", "ticket_id", "target"), "str"))
    pd.testing.assert_frame_equal(found[frame.columns], expected)


@pytest.mark.parametrize(
    ("again", "stored"),
    [
        ({"probability": 0.304}, 0),
        ({"probability": 0.31}, 1),
        ({"probability": None}, 1),
        ({"state": "paused"}, 1),
        ({"bundle_version": "breach v2"}, 1),
        ({"bundle_version": None}, 1),
        ({"reasons": '["other words"]'}, 0),
        ({"is_shadow": True}, 1),
        ({"target": "first_response"}, 1),
    ],
)
def test_a_prediction_is_stored_again_only_if_it_says_something_new(
    store: Store, again: dict[str, Any], stored: int
) -> None:
    store.predictions.append(predictions(prediction("T1", 0), prediction("T2", 0)))
    report = store.predictions.append(predictions(prediction("T1", 1, **again)))
    assert (report.inserted, report.unchanged) == (stored, 1 - stored)


def test_drift_by_small_steps_adds_up(store: Store) -> None:
    steps = [prediction("T1", minute, 0.3 + 0.002 * minute) for minute in range(10)]
    assert store.predictions.append(predictions(*steps)).inserted == 4  # at 0, 3, 6 and 9 minutes
    one_by_one = [store.predictions.append(predictions({**step, "ticket_id": "T2"})).inserted for step in steps]
    assert one_by_one == [1, 0, 0, 1, 0, 0, 1, 0, 0, 1]


def test_a_prediction_that_returns_to_an_older_value_is_news(store: Store) -> None:
    for minute, probability in enumerate([0.3, 0.6, 0.3]):
        assert store.predictions.append(predictions(prediction("T1", minute, probability))).inserted == 1


def test_the_past_shows_what_was_predicted_then(store: Store) -> None:
    store.predictions.append(predictions(prediction("T1", 0, 0.3), prediction("T2", 0, 0.1)))
    store.predictions.append(predictions(prediction("T1", 10, 0.8), prediction("T3", 10, 0.5, is_shadow=True)))
    assert dict(store.predictions.in_force(at(5))[["ticket_id", "probability"]].to_numpy()) == {"T1": 0.3, "T2": 0.1}
    assert dict(store.predictions.in_force(at(10))[["ticket_id", "probability"]].to_numpy()) == {"T1": 0.8, "T2": 0.1}
    assert list(store.predictions.in_force(at(10), is_shadow=True)["ticket_id"]) == ["T3"]
    assert list(store.predictions.in_force(at(10), ["T2", "never"])["probability"]) == [0.1]
    assert store.predictions.in_force(at(10), target="never").empty
    assert store.predictions.in_force(at(-1)).empty


def test_predictions_stream_in_the_order_they_were_stored(store: Store) -> None:
    store.predictions.append(predictions(*(prediction(f"T{number}", number) for number in range(25))))
    chunks = list(store.predictions.chunks(chunk_rows=10))
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    found = pd.concat(store.predictions.chunks(since=at(3), until=at(7), after_id=5))
    assert list(found["ticket_id"]) == ["T5", "T6", "T7"]


def test_a_faulty_prediction_is_refused_with_its_fault(store: Store) -> None:
    with pytest.raises(StoreError, match="outside 0 to 1"):
        store.predictions.append(predictions(prediction(probability=1.2)))
    with pytest.raises(StoreError, match="'state' is missing in row 0"):
        store.predictions.append(predictions(prediction(state=None)))
    with pytest.raises(StoreError, match="'colour'"):
        store.predictions.append(predictions(prediction(colour="red")))
    assert list(store.predictions.chunks()) == []


def test_a_night_of_predictions_is_one_append(store: Store) -> None:
    many = 30_000
    frame = predictions(prediction()).loc[[0] * many].reset_index(drop=True)
    frame["ticket_id"] = [f"T{number}" for number in range(many)]
    frame["probability"] = np.linspace(0, 1, many)
    assert store.predictions.append(frame).inserted == many
    assert store.predictions.append(frame.assign(scored_at=frame["scored_at"] + pd.Timedelta(hours=1))).inserted == 0


def test_what_a_person_reads_with_a_prompt_is_in_words(store: Store, url: str) -> None:
    store.predictions.append(predictions(prediction()))
    engine = make_engine(url)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT ticket_id, state, probability FROM predictions_text")).one()
    engine.dispose()
    assert tuple(row) == ("T1", "running", 0.3)


@pytest.mark.parametrize(
    "table", ["predictions", "outcomes", "feedback", "alerts", "deliveries", "forecasts", "suggestions"]
)
def test_nothing_is_changed_or_deleted(store: Store, url: str, table: str) -> None:
    _fill(store)
    engine = make_engine(url)
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    engine.dispose()


def test_a_ticket_opened_again_gets_a_second_outcome(store: Store) -> None:
    assert store.outcomes.append(outcome(0, "met", False, stopped_at=at(0), target_us=5)).inserted == 1
    assert store.outcomes.append(outcome(60, "met", False, stopped_at=at(0), target_us=5)).unchanged == 1
    assert store.outcomes.append(outcome(90, "breached", True, stopped_at=at(90), target_us=5)).inserted == 1
    assert list(store.outcomes.in_force(at(60))["breached"]) == [False]
    now = store.outcomes.in_force(at(90), ["T1"], "resolution")
    assert now[["state", "breached", "target_us", "elapsed_us"]].to_numpy().tolist() == [["breached", True, 5, -1]]
    assert now["stopped_at"].item() == at(90)
    assert now["due_at"].isna().all()


def test_feedback_sent_twice_is_stored_once(store: Store) -> None:
    record = {"key": "a", "ticket_id": "T1", "given_at": NOON, "given_by": "Ann", "verdict": "wrong", "comment": "späť"}
    assert store.feedback.append(pd.DataFrame([record])).inserted == 1
    assert store.feedback.append(pd.DataFrame([record, {**record, "key": "b", "ticket_id": "T2"}])).duplicates == 1
    assert list(store.feedback.read("T1")["comment"]) == ["späť"]
    assert store.feedback.read("T1")["prediction_id"].tolist() == [-1]
    assert len(store.feedback.read(since=at(-1), until=at(1))) == 2
    assert store.feedback.read("never").empty


def test_the_forecast_in_force_is_the_last_one_made(store: Store) -> None:
    assert store.forecasts.append(_forecast(0, 10.0)).inserted == 3
    assert store.forecasts.append(_forecast(0, 10.0)).duplicates == 3
    store.forecasts.append(_forecast(60, 20.0))
    store.forecasts.append(_forecast(90, 30.0).assign(subject="phone"))
    store.forecasts.append(_forecast(90, 30.0).assign(series="backlog"))
    assert store.forecasts.last_made(at(-1), "arrivals", "mail") is None
    assert store.forecasts.last_made(at(59), "arrivals", "mail") == at(0)
    assert store.forecasts.last_made(at(60), "arrivals", "mail") == at(60)
    assert store.forecasts.last_made(at(100), "arrivals", "mail") == at(60)
    assert store.forecasts.last_made(at(100), "arrivals", "web") is None
    assert len(store.forecasts.read("arrivals", until=at(0))) == 3


def test_suggestions_are_kept_once_and_not_at_all_where_a_condition_fails(store: Store) -> None:
    assert store.suggestions.append(_suggested(0, "T1", "T2")).inserted == 2
    assert store.suggestions.append(_suggested(0, "T1", "T2")).duplicates == 2

    def refuse(_connection: object) -> None:
        raise RuntimeError("another holds the lease")

    with pytest.raises(RuntimeError, match="another holds"):
        store.suggestions.append(_suggested(5, "T2"), [refuse])
    store.suggestions.append(_suggested(9, "T3"), [lambda _connection: None])
    told = store.suggestions.read(until=at(9))
    assert told[["team", "ticket_id", "place"]].to_numpy().tolist() == [
        ["Network", "T1", 1],
        ["Network", "T2", 2],
        ["Network", "T3", 1],
    ]
    assert told["suggested_at"].tolist() == [at(0), at(0), at(9)]
    assert store.suggestions.read(since=at(1))["ticket_id"].tolist() == ["T3"]


def test_agreements_are_kept_by_version(store: Store) -> None:
    assert store.latest_agreements() is None
    assert store.save_agreements("a: 1", at(0)) == 1
    assert store.save_agreements("a: 1", at(1)) == 1
    assert store.save_agreements("a: 2", at(2)) == 2
    assert store.latest_agreements() == "a: 2"
    assert store.agreements.version(1).text == "a: 1"
    assert [one.version for one in store.agreements.all()] == [1, 2]
    with pytest.raises(StoreError, match="no version 3 of the agreements; stored: 1, 2"):
        store.agreements.version(3)


def test_the_agreements_in_force_are_the_newest_of_that_instant(store: Store) -> None:
    store.save_agreements("a: 1", at(0))
    store.save_agreements("a: 2", at(10))
    versions = [store.agreements.in_force(at(minute)) for minute in (-1, 0, 9, 10)]
    assert [one.version if one else None for one in versions] == [None, 1, 1, 2]
    with pytest.raises(StoreError, match="the past does not change"):
        store.save_agreements("a: 3", at(5))


def _fill(store: Store) -> None:
    store.predictions.append(predictions(prediction()))
    store.outcomes.append(outcome(0, "met", False))
    record = {"key": "a", "ticket_id": "T1", "given_at": NOON, "given_by": "Ann", "verdict": "wrong"}
    store.feedback.append(pd.DataFrame([record]))
    raised(store, "a")
    attempted(store, 1, DELIVERED, 0)
    store.forecasts.append(_forecast(0, 1.0))
    store.suggestions.append(_suggested(0, "T1"))


def _suggested(minute: float, *tickets: str) -> pd.DataFrame:
    rows = [{"ticket_id": ticket, "place": place} for place, ticket in enumerate(tickets, start=1)]
    return pd.DataFrame(rows).assign(team="Network", suggested_at=at(minute), is_shown=True)


def _forecast(minute: float, middle: float) -> pd.DataFrame:
    record = {"series": "arrivals", "subject": "mail", "period_start": at(120), "period_end": at(180)}
    return pd.DataFrame(
        [
            {**record, "made_at": at(minute), "quantile": quantile, "value": middle + step}
            for step, quantile in ((-1, 0.1), (0, 0.5), (1, 0.9))
        ]
    )
