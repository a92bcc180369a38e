"""`slacast train work-time`: what is learned, what is judged, what is registered, and what the live order makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from features.live import LiveHistories
from models.registry import champion
from models.work_marks import COLUMNS, WorkTime, WorkTimeError, load_work_time, placed, save_work_time
from serving.handling import Handling
from serving.text_column import TextColumn
from serving.work_time import WorkTimeChampion, believed, work_words
from sla.agreements.loading import load_agreements
from sla.instants import to_us
from training.work_time_model import (
    Worked,
    WorkTimeRequest,
    WorkTimeResponse,
    judged,
    train_work_time,
    worked_tickets,
)

AGREEMENTS = load_agreements(Path("examples/demo/agreements.yaml"))


def made(count: int = 2000, *, is_learnable: bool = True, seed: int = 1) -> Worked:
    """Tickets whose title tells how much work they are, beside category and priority; or does not."""
    rng = np.random.default_rng(seed)
    category, title = rng.choice(["Mail", "Network"], count), rng.choice(["all staff", "one person", "unclear"], count)
    factor = np.array([{"all staff": 1.2, "one person": -1.2, "unclear": 0.0}[one] for one in title]) * is_learnable
    logs = 3 + (category == "Network") + factor + rng.normal(0, 0.7, count)
    words = {name: np.full(count, "same", dtype=object) for name in COLUMNS}
    words |= {"category": category.astype(object), "title": title.astype(object)}
    return Worked(words, np.exp(logs), np.arange(count) // 20, "booked")


@pytest.fixture
def trained(events: pd.DataFrame, tracking_uri: str, tmp_path: Path) -> tuple[WorkTimeResponse, str]:
    return train_work_time(WorkTimeRequest(events, AGREEMENTS, tracking_uri, tmp_path)), tracking_uri


def test_what_a_title_tells_is_learned_and_what_it_does_not_is_not_claimed() -> None:
    assert judged(made()).high < 0.6
    assert judged(made(is_learnable=False)).high >= 1.0


def test_judging_looks_at_the_last_quarter_alone() -> None:
    whole = made()
    late = np.arange(len(whole.minutes)) >= 1500
    turned = replace(whole, minutes=np.where(late, np.exp(6 - np.log(whole.minutes)), whole.minutes))
    assert judged(turned).value > 1.2  # what was learned before the cut is wrong after it


def test_words_are_placed_by_the_work_they_mean_and_rare_ones_are_all_one() -> None:
    found = WorkTime(dict.fromkeys(COLUMNS, ()) | {"title": ("small", "large")}, None, "booked", 1)  # type: ignore[arg-type]
    texts = {name: np.array(["large", "new", "small", ""], dtype=object) for name in COLUMNS}
    X = placed(found.orders, texts)
    assert X[:, COLUMNS.index("title")].tolist() == [1, -1, 0, -1]
    assert (np.delete(X, COLUMNS.index("title"), axis=1) == -1).all()
    assert placed(found.orders, {name: np.empty(0, object) for name in COLUMNS}).shape == (0, len(COLUMNS))


def test_the_desks_work_is_learned_registered_and_read_again_alike(trained: tuple[WorkTimeResponse, str]) -> None:
    response, uri = trained
    assert response.is_learned
    assert response.error_ratio.high < 0.9  # its titles hint at the work, by design
    answer = champion(uri, "work-time")
    assert answer.path is not None
    assert answer.version == "work-time v1" == response.version
    found = load_work_time(answer.path, version=answer.version)
    told = load_work_time(response.bundle)
    texts = {name: np.array(["Network", "2", "unheard of", ""], dtype=object) for name in COLUMNS}
    assert (found.belief(texts).log_mean == told.belief(texts).log_mean).all()
    face = mlflow.pyfunc.load_model(str(answer.path.parents[1]))
    frame = pd.DataFrame({name: column.astype(str) for name, column in texts.items()})
    np.testing.assert_allclose(face.predict(frame), found.belief(texts).expected)


def test_where_trees_are_not_surely_better_the_category_means_are_served(
    events: pd.DataFrame, tracking_uri: str, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    blurred = events.copy()
    is_end = blurred["status"].isin(["resolved", "closed"])
    names = blurred["ticket_id"].unique()
    minutes = pd.Series(np.exp(rng.normal(3, 1, len(names))).round(1).astype(str), index=names)
    blurred["attributes.handling_minutes"] = blurred["ticket_id"].map(minutes).where(is_end)
    response = train_work_time(WorkTimeRequest(blurred, AGREEMENTS, tracking_uri, tmp_path))
    assert not response.is_learned
    assert "category means" in response.why
    found = load_work_time(response.bundle)
    assert not found.is_learned
    assert believed(found, Handling(0, minutes="booked"), {}.__getitem__) is None


def test_a_folder_that_was_altered_or_is_not_one_is_refused(
    trained: tuple[WorkTimeResponse, str], tmp_path: Path
) -> None:
    found = load_work_time(trained[0].bundle)
    folder = tmp_path / "copy"
    assert save_work_time(folder, found) == save_work_time(tmp_path / "again", found)
    (folder / "trees.txt").write_text((folder / "trees.txt").read_text().replace("leaf_value=", "leaf_value=9", 1))
    with pytest.raises(WorkTimeError, match=r"trees\.txt was altered"):
        load_work_time(folder)
    data = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(data | {"version": 99}))
    with pytest.raises(WorkTimeError, match="train again"):
        load_work_time(folder)
    with pytest.raises(WorkTimeError, match="slacast train work-time"):
        load_work_time(tmp_path)


def test_the_live_order_asks_the_champion_and_category_means_where_minutes_differ(
    trained: tuple[WorkTimeResponse, str], events: pd.DataFrame, tmp_path: Path
) -> None:
    held = WorkTimeChampion(trained[1], tmp_path / "downloads")
    assert held.poll()
    assert not held.poll()
    assert held.model is not None
    live = LiveHistories.of(events, AGREEMENTS)
    handling = Handling.of(live, "resolution", to_us(events["event_at"].max().to_pydatetime()))
    assert handling.minutes == "booked"
    worked = worked_tickets(events, AGREEMENTS)
    whole = believed(held.model, handling, worked.texts.__getitem__)
    assert whole is not None
    means = handling._whole(*(TextColumn.of(worked.texts[name]) for name in ("category", "priority")))
    logs = np.log(worked.minutes)
    assert np.mean((logs - whole.log_mean) ** 2) < 0.8 * np.mean((logs - means.log_mean) ** 2)
    assert work_words(held.model, handling).startswith(
        "Work needed is what work-time v1 learned from the minutes booked"
    )
    other = replace(handling, minutes="pick_up")
    assert believed(held.model, other, worked.texts.__getitem__) is None
    assert work_words(held.model, other) == other.words
    assert work_words(None, handling) == handling.words


def test_a_log_that_tells_too_little_is_refused_in_a_sentence(
    events: pd.DataFrame, tracking_uri: str, tmp_path: Path
) -> None:
    few = events[events["ticket_id"].isin(events["ticket_id"].unique()[:50])]
    with pytest.raises(WorkTimeError, match="expected at least 200"):
        train_work_time(WorkTimeRequest(few, AGREEMENTS, tracking_uri, tmp_path))
