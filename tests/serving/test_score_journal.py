"""What a journal stores of queues that go on from one another, by places and by ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from features.store.predictions import StoredChanges
from serving.queue import Queue
from serving.score_journal import Said, ScoreJournal
from serving.scored import Scored
from serving.scored_rows import ScoredRows
from serving.scorer import Scorer
from tests.serving.real_desk import AT, ListStore, agreements, fitted_bundle, random_events

EVENTS = random_events(60).sort_values("recorded_at", kind="stable", ignore_index=True)
BUNDLE = fitted_bundle(EVENTS)
FIRST = len(EVENTS) // 2


class Table:
    """Keeps what is stored."""

    def __init__(self) -> None:
        self.frames: list[pd.DataFrame] = []

    def append(
        self, frame: pd.DataFrame, tolerance: float = 0.0, conditions: Sequence[Callable[[Any], None]] = ()
    ) -> StoredChanges:
        self.frames.append(frame)
        return StoredChanges(len(frame), 0)

    def in_force(
        self,
        at: datetime,
        ticket_ids: Sequence[str] | None = None,
        target: str | None = None,
        *,
        is_shadow: bool = False,
    ) -> pd.DataFrame:
        return pd.DataFrame()


def scored_of(queue: Queue) -> Scored:
    assert isinstance(queue.rows, ScoredRows)
    return queue.rows.scored


def by_ids(queue: Queue) -> Queue:
    """The queue without what it knows of the one before."""
    assert isinstance(queue.rows, ScoredRows)
    return replace(queue, rows=ScoredRows(replace(queue.rows.scored, stood=None), queue.rows.places))


def test_a_queue_that_goes_on_from_the_one_stored_last_looks_no_id_up() -> None:
    store = ListStore(EVENTS)
    store.visible = FIRST
    scorer = Scorer(store, agreements(), BUNDLE)
    first = scored_of(scorer.score(AT))
    store.visible = len(EVENTS)
    scorer.read_news()
    second = scored_of(scorer.refresh(AT + timedelta(hours=1)))
    third = scored_of(scorer.refresh(AT + timedelta(hours=2)))
    said, now = Said.by(first), Said.by(second)
    assert second.stood is not None
    assert now.places_in(said) is second.stood.place
    found, later = now.places_in(said).tolist(), Said.by(third)
    ids = first.facts.ticket_ids.tolist()
    assert found == [ids.index(one) if one in ids else -1 for one in second.facts.ticket_ids.tolist()]
    assert -1 in found
    assert later.places_in(said).tolist() == replace(later, stood=None).places_in(said).tolist()  # one was left out
    kept = now.after(said, now.places_in(said), now.news(said, now.places_in(said), 0.005))
    assert third.stood is not None
    assert later.places_in(kept) is third.stood.place


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(EVENTS)), st.integers(0, 400), st.booleans(), st.booleans()), max_size=5))
def test_what_is_stored_is_what_ids_alone_would_have_it(steps: list[tuple[int, int, bool, bool]]) -> None:
    """After news in parts, whole scorings and queues that were left out, with tickets opened, changed and ended between them."""
    store, at = ListStore(EVENTS), AT - timedelta(days=4)
    store.visible = FIRST
    scorer = Scorer(store, agreements(), BUNDLE)
    plain, quick = Table(), Table()
    slow_journal, journal = ScoreJournal(plain, 0.005), ScoreJournal(quick, 0.005)
    queue = scorer.score(at)
    for visible, minutes, is_whole, is_left_out in [*steps, (len(EVENTS), 0, False, False)]:
        slow_journal.store(by_ids(queue))
        journal.store(queue)
        store.visible, at = max(store.visible, visible), at + timedelta(minutes=minutes)
        scorer.read_news()
        queue = scorer.score(at) if is_whole else scorer.refresh(at)
        if is_left_out:
            queue = scorer.refresh(at + timedelta(seconds=1))
            at += timedelta(seconds=1)
    slow_journal.store(by_ids(queue))
    journal.store(queue)
    assert len(quick.frames) == len(plain.frames) > 0
    for told, expected in zip(quick.frames, plain.frames, strict=True):
        pd.testing.assert_frame_equal(told, expected)
