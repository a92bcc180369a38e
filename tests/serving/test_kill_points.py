"""kill -9 at hundreds of points: what was said to be done is there, and what was under way is there whole or not at all.

There are POINTS over each kind of store, and more in `python -m benchmarks.kills`.
"""

from __future__ import annotations

from collections import Counter

import pandas as pd

from features.store import open_store
from serving.scorer import Scorer
from tests.serving.builders import by_ticket
from tests.serving.kill_points import MEASURED, batch, frame_of_batch, instant, killed, recording, taking_in
from tests.serving.real_desk import agreements

POINTS = 80
BATCH = len(batch(1))


def test_of_events_all_that_were_acknowledged_are_there_and_of_the_others_all_or_none(url: str) -> None:
    events_are_whole(url, POINTS, seed=11)


def test_of_scores_each_scoring_is_stored_whole_or_not_at_all_and_none_twice(url: str) -> None:
    scores_are_whole(url, POINTS // 2, seed=12)


def events_are_whole(url: str, points: int, seed: int) -> None:
    told = killed(taking_in, url, points, seed)
    open_ended = set(told.begun) - set(told.done)
    assert len(open_ended) > points // 2  # the kills came while something was stored
    assert len(told.done) >= MEASURED  # the lives that show how long it takes, at least
    with open_store(url) as store:
        ids = store.ticket_events()["event_id"]
        assert ids.is_unique
        counted = Counter(int(one[1:].partition("/")[0]) for one in ids if one.startswith("K"))
        assert set(told.done) <= set(counted) <= set(told.begun)
        assert set(counted.values()) == {BATCH}
        for number in sorted(open_ended):  # their senders send them again, the same
            report = store.append_ticket_events(frame_of_batch(number), "test")
            assert report.inserted == (0 if number in counted else BATCH)


def scores_are_whole(url: str, points: int, seed: int) -> None:
    told = killed(recording, url, points, seed)
    assert len(set(told.begun) - set(told.done)) > points // 4
    with open_store(url) as store:
        scorer = Scorer(store, agreements())
        scorer.read_news()
        rows = pd.concat(store.predictions.chunks())
        known: dict[str, tuple[str, object]] = {}
        for number in told.begun:
            shown = by_ticket(scorer.score(instant(number)))
            of_then = rows[rows["scored_at"] == instant(number)]
            due_at = [
                None if missing else at for at, missing in zip(of_then["due_at"], of_then["due_at"].isna(), strict=True)
            ]
            stored = dict(zip(of_then["ticket_id"], zip(of_then["state"], due_at, strict=True), strict=True))
            said = {
                ticket: (row.clock.state, row.clock.due_at if row.clock.state in ("running", "breached") else None)
                for ticket, row in shown.items()
            }
            news = {ticket: what for ticket, what in said.items() if known.get(ticket) != what}
            assert stored == news or (not stored and number not in told.done)
            if stored:
                known = {ticket: what for ticket, what in {**known, **stored}.items() if ticket in said}
        assert len(rows) == len(rows.drop_duplicates(["ticket_id", "target", "is_shadow", "scored_at"]))
