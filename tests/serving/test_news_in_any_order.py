"""Any order of ticks, looks and news, against what a simple record of them says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.queue import Queue, QueueRow
from serving.scorer import Scorer
from tests.serving.builders import by_ticket
from tests.serving.real_desk import AT, ListStore, agreements, frame_of
from tests.serving.ticking_desk import BUNDLE, EVENTS, Scripted, event

NAMES = list(by_ticket(Scorer(ListStore(EVENTS), agreements(), BUNDLE).score(AT)))
CHANGES: list[tuple[str, dict[str, str]]] = [
    (NAMES[0], {"kind": "priority", "priority": "1"}),
    (NAMES[1], {"kind": "status", "status": "waiting", "waiting_on": "customer"}),
    (NAMES[2], {"kind": "status", "status": "resolved"}),
    ("N1", {"status": "new", "priority": "3"}),
    (NAMES[3], {"kind": "commented"}),
    ("N1", {"kind": "priority", "priority": "2"}),
    (NAMES[2], {"kind": "status", "status": "open"}),
    (NAMES[0], {"kind": "priority", "priority": "2"}),
]
NEWS = [event(name, AT + timedelta(minutes=7 * place), **values) for place, (name, values) in enumerate(CHANGES)]
ALL = pd.concat([EVENTS, frame_of(NEWS)], ignore_index=True)
LOOKS = st.lists(st.integers(0, 2), max_size=3)  # how many events each look finds
Said = dict[str, float | None]


@cache
def said_by_all(known: int, at: datetime) -> dict[str, QueueRow]:
    """What is said at an instant by who reads so many events and asks about everything."""
    return by_ticket(Scorer(ListStore(ALL.iloc[:known]), agreements(), BUNDLE).score(at))


class Record:
    """What must be shown: every probability is that of when its ticket was asked about last."""

    def __init__(self) -> None:
        self.said: Said = {}
        self.news: set[str] = set()

    def brought_up(self, known: int, at: datetime) -> Said:
        found = said_by_all(known, at)
        repeated = {name for name in self.said if self.said[name] is not None} - self.news
        self.said = {name: self.said[name] if name in repeated and row.probability is not None else row.probability for name, row in found.items()}  # fmt: skip
        self.news = set()
        return self.said

    def ticked(self, begun: tuple[int, datetime], since: set[str], known: int, at: datetime) -> Said:
        self.said, self.news = {name: row.probability for name, row in said_by_all(*begun).items()}, since
        return self.said if begun[0] == known else self.brought_up(known, at)


@settings(max_examples=15, deadline=None)
@given(ticks=st.lists(st.tuples(LOOKS, LOOKS, st.integers(0, 2)), min_size=1, max_size=2))
def test_whatever_the_order_every_ticket_shows_what_was_said_of_it_last(
    ticks: list[tuple[list[int], list[int], int]],
) -> None:
    store = ListStore(ALL)
    store.visible = len(EVENTS)
    scorer, record, now = Scorer(store, agreements(), BUNDLE), Record(), [AT + timedelta(hours=2)]
    since: set[str] = set()
    queues: list[Queue] = []

    def news(count: int) -> bool:
        now[0] += timedelta(minutes=9)
        fresh = set(ALL["ticket_id"].iloc[store.visible : store.visible + count])
        store.visible = min(store.visible + count, len(ALL))
        record.news |= fresh
        since.update(fresh)
        return scorer.read_news()

    def check(queue: Queue | None, expected: Said) -> None:
        if queue is None:  # nothing was scored so far
            return
        queues.append(queue)
        rows, known = by_ticket(queue), said_by_all(store.visible, queue.as_of)
        assert {name: row.probability for name, row in rows.items()} == pytest.approx(expected, abs=1e-12)
        assert {name: row.clock for name, row in rows.items()} == {name: row.clock for name, row in known.items()}

    def look(count: int) -> Callable[[], None]:
        def do() -> None:
            if news(count):
                queue = scorer.glance(now[0])
                if queue is not None:
                    check(queue, record.brought_up(store.visible, now[0]))

        return do

    for before, after, between in ticks:
        since.clear()
        scorer.read_news()
        begun, looks = (store.visible, now[0]), [[look(count) for count in part] for part in (before, after)]
        queue = scorer.score(now[0], Scripted(*looks, lambda: now[0]))
        check(queue, record.ticked(begun, set(since), store.visible, now[0]))
        if news(between):
            check(scorer.refresh(now[0]), record.brought_up(store.visible, now[0]))
    assert [queue.as_of for queue in queues] == sorted(queue.as_of for queue in queues)
    assert len({queue.fingerprint for queue in queues}) == len(queues)
