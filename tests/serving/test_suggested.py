"""The suggested order of the live queue, docs/dispatch.md."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from features.waiting import Waiting
from models.dispatch import GainSettings, gain, late_if_taken_now
from models.dispatch_reasons import Group as PolicyGroup
from models.dispatch_reasons import groups
from serving.handling import Handling
from serving.queue import QueueRow
from serving.risk import Group, Risk
from serving.scored_rows import ScoredRows
from serving.scorer import Scorer
from serving.suggested import (
    OrderSettings,
    Suggestion,
    is_turn_of_oldest,
    suggestion,
    weights_of,
)
from serving.suggestion_journal import PLACES, SuggestionJournal
from serving.switchback import WEEK_US, Switchback
from serving.text_column import TextColumn
from sla.instants import to_us
from tests.serving.builders import order_of
from tests.serving.real_desk import AT, START, ListStore, agreements, fitted_bundle, random_events

WORDS = {
    PolicyGroup.SAVE_NOW: Group.SAVE_NOW,
    PolicyGroup.SAFE: Group.SAFE_FOR_NOW,
    PolicyGroup.LOST: Group.LATE_OR_LOST,
}


def work_of(left: list[float], minutes: float = 30.0, weight: float = 1.0) -> Waiting:
    size = len(left)

    def column(value: float) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.full(size, value)

    spread = 0.5
    return Waiting(
        np.array(left, dtype=np.float64), column(np.inf), column(480.0), column(weight),
        column(np.log(minutes) - spread**2 / 2), column(spread), column(minutes), column(0.0), np.arange(size, dtype=np.float64),
    )  # fmt: skip


def told(
    work: Waiting, team: list[str] | None = None, probability: list[float] | None = None, **dials: Any
) -> Suggestion:
    size = len(work.left)
    return suggestion(
        work,
        TextColumn.of(team or ["Desk"] * size),
        np.array(probability or [np.nan] * size),
        np.array([f"T{number}" for number in range(size)], dtype=object),
        np.arange(size),
        size,
        Handling(0, paces={"Desk": 2.0, "Network": 1.0}),
        OrderSettings(**dials),
    )


def test_every_teams_queue_is_ordered_as_the_policy_orders_it_alone() -> None:
    rng = np.random.default_rng(3)
    work = work_of(rng.uniform(-600, 2400, 60).tolist())
    work = work._replace(expected=rng.uniform(5, 90, 60), weight=rng.choice([20.0, 8, 3, 1], 60))
    work = work._replace(log_mean=np.log(work.expected) - work.log_sd**2 / 2)
    team = rng.choice(["Desk", "Network"], 60).tolist()
    dials = GainSettings(guard=0.05)
    found = told(work, team, gain=dials)
    for name, pace in (("Desk", 2.0), ("Network", 1.0)):
        rows = np.flatnonzero(np.array(team) == name)
        mine = Waiting(*(column[rows] for column in work[:-1]), agents=pace)  # type: ignore[arg-type]
        worth = gain(mine, dials)
        np.testing.assert_allclose(found.gain[rows], worth.total)
        assert found.rank[rows].tolist() == (np.argsort(np.lexsort((mine.left, -worth.total))) + 1).tolist()
        assert [list(Group)[code] for code in found.group[rows]] == [WORDS[group] for group in groups(worth)]


def test_taking_a_ticket_never_makes_it_later_than_the_usual_course() -> None:
    work = work_of([40.0, 40.0, 40.0, -5.0])
    alone = late_if_taken_now(work)
    found = told(work, probability=[np.nan, 0.01, 0.9, 0.01])
    assert found.late_chance.tolist() == [alone[0], 0.01, alone[2], 1.0]
    assert found.rank.tolist() == [2, 1, 3, 4]


def test_one_pick_in_so_many_takes_the_oldest_and_says_so() -> None:
    drawn = [is_turn_of_oldest(f"A{number}", f"B{number}", 5) for number in range(5000)]
    assert 0.18 < np.mean(drawn) < 0.22
    old, first = "T0", "T1"
    every = next(count for count in range(2, 500) if is_turn_of_oldest(first, old, count))
    work = work_of([5000.0, 45.0, 4000.0])
    assert told(work).rank.tolist()[1] == 1
    found = told(work, oldest_every=every)
    assert found.rank.tolist() == [1, 2, 3]
    assert (found.why(0) or "").startswith("Oldest ticket of its team")
    assert "Oldest" not in (found.why(1) or "")


def test_no_ticket_waits_for_ever_where_the_oldest_gets_its_turn() -> None:
    """An endless row of pressing tickets, and one that is lost: by gain alone without a guard it never has its turn."""
    picks = {0: 0, 4: 0}
    for every in picks:
        for number in range(200):
            ids = np.array(["old", f"new {number}"], dtype=object)
            found = suggestion(
                work_of([-900.0, 60.0]), TextColumn.of(["Desk", "Desk"]), np.array([np.nan, np.nan]), ids, np.arange(2), 2,
                Handling(0), OrderSettings(gain=GainSettings(guard=0.0), oldest_every=every),
            )  # fmt: skip
            picks[every] += found.rank[0] == 1
    assert picks[0] == 0
    assert 30 < picks[4] < 70


def test_what_a_breach_costs_is_said_by_priority() -> None:
    found = weights_of(TextColumn.of(["1", "4", "unheard of", ""]), {"1": 20.0, "4": 2.0})
    assert found.tolist() == [20.0, 2.0, 2.0, 2.0]


def test_in_a_week_without_the_order_a_team_sees_due_times_and_the_others_what_they_saw() -> None:
    rng = np.random.default_rng(9)
    work = work_of(rng.uniform(-600, 2400, 60).tolist())
    work = work._replace(expected=rng.uniform(5, 90, 60), weight=rng.choice([20.0, 8, 3, 1], 60))
    work = work._replace(log_mean=np.log(work.expected) - work.log_sd**2 / 2)
    team = np.array(rng.choice(["Desk", "Network"], 60), dtype=object)
    switchback = Switchback(START)
    week = next(
        number
        for number in range(50)
        if switchback.arm("Desk", np.array([number]))[0] and not switchback.arm("Network", np.array([number]))[0]
    )
    plain, found = (
        suggestion(
            work, TextColumn.of(team), np.full(60, np.nan), np.array([f"T{n}" for n in range(60)], dtype=object), np.arange(60), 60,
            Handling(0), OrderSettings(switchback=one), to_us(START) + week * WEEK_US,
        )
        for one in (Switchback(), switchback)
    )  # fmt: skip
    desk, network = (np.flatnonzero(team == name) for name in ("Desk", "Network"))
    assert found.is_shown[desk].all()
    assert not found.is_shown[network].any()
    for name in ("gain", "rank", "group"):
        assert (getattr(found, name) == getattr(plain, name)).all(), name
    assert (found.shown_rank[desk] == plain.rank[desk]).all()
    assert (found.sort_gain[desk] == plain.gain[desk]).all()
    by_due = network[np.lexsort((work.left[network], found.group[network]))]
    assert found.shown_rank[by_due].tolist() == list(range(1, len(network) + 1))
    assert (np.diff(found.sort_gain[by_due]) <= 0).all()
    assert sorted(found.sort_gain[network]) == sorted(plain.gain[network])
    assert (found.shown_rank[network] != plain.rank[network]).any()


EVENTS = random_events(150, seed=11)


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    found = Scorer(ListStore(EVENTS), agreements(), fitted_bundle(EVENTS))
    found.score(AT)
    return found


def test_paused_tickets_and_those_without_a_clock_have_no_place_and_what_is_late_stands_apart(scorer: Scorer) -> None:
    queue = scorer.score(AT)
    rows = tuple(queue.rows)
    assert queue.order == "suggested"
    for row in rows:
        can_be_worked_on = row.risk in (Risk.ON_TRACK, Risk.SOME_RISK, Risk.HIGH_RISK, Risk.BREACHED)
        assert (row.rank_in_team is not None) == can_be_worked_on == (row.gain_per_minute is not None)
        if row.risk in (Risk.BREACHED, Risk.PAUSED_AND_BREACHED):
            assert row.group is Group.LATE_OR_LOST
        if row.risk is Risk.BREACHED:
            assert row.late_if_taken_now == 1.0
        if row.risk is Risk.PAUSED:
            assert row.group is Group.SAFE_FOR_NOW
    for team in {row.team for row in rows}:
        ranks = [row.rank_in_team for row in rows if row.team == team and row.rank_in_team]
        assert sorted(ranks) == list(range(1, len(ranks) + 1))
    assert {row.group for row in rows} == set(Group)


def test_a_tickets_page_says_what_its_row_says(scorer: Scorer) -> None:
    queue = scorer.score(AT)
    for row in tuple(queue.rows)[:5]:
        file = scorer.ticket(row.ticket_id, AT)
        assert file is not None
        assert file.row is not None
        assert replace(file.row, reasons=()) == replace(row, reasons=())


def test_news_between_ticks_change_the_order_at_once_as_a_whole_scoring_would(scorer: Scorer) -> None:
    store = ListStore(EVENTS)
    store.visible = len(EVENTS) - 40
    live = Scorer(store, agreements(), fitted_bundle(EVENTS))
    live.score(AT)
    store.visible = len(EVENTS)
    live.read_news()
    fresh, whole = live.refresh(AT), live.score(AT)
    assert order_of(fresh) == order_of(whole)


def test_without_a_model_or_when_not_wanted_the_rules_order_and_say_so() -> None:
    bare = Scorer(ListStore(EVENTS), agreements()).score(AT)
    assert bare.order == "rules"
    assert bare.order_words == "Ordered by rules: due time first (Rules only: no model is loaded)."
    unwanted = Scorer(ListStore(EVENTS), agreements(), fitted_bundle(EVENTS), order=OrderSettings(is_wanted=False))
    queue = unwanted.score(AT)
    assert queue.order == "rules"
    assert "SLACAST_QUEUE_ORDER is rules" in queue.order_words
    assert all(row.rank_in_team is None for row in queue.rows)


def test_rows_know_what_the_columns_know(scorer: Scorer) -> None:
    queue = scorer.score(AT)
    assert isinstance(queue.rows, ScoredRows)
    scored = queue.rows.scored
    assert scored.suggestion is not None
    for place, row in zip(queue.rows.places.tolist(), queue.rows, strict=True):
        expected = scored.suggestion.why(place)
        if expected is not None:
            assert row.why_here == expected
            assert isinstance(row, QueueRow)


class KeptRows:
    """What a journal stores."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    def append(self, frame: Any, conditions: Any = ()) -> None:
        self.frames.append(frame)


def test_what_is_suggested_next_is_stored_when_it_changes_and_only_then(scorer: Scorer) -> None:
    kept = KeptRows()
    journal = SuggestionJournal(kept)
    queue = scorer.score(AT)
    journal.store(queue)
    (frame,) = kept.frames
    rows = [row for row in queue.rows if row.rank_in_team and row.rank_in_team <= PLACES and row.team]
    told = sorted((row.team, row.rank_in_team, row.ticket_id) for row in rows)
    assert sorted(frame[["team", "place", "ticket_id"]].itertuples(index=False, name=None)) == told
    assert (frame["suggested_at"] == AT).all()
    assert frame["is_shown"].all()
    journal.store(queue)
    assert len(kept.frames) == 1
    later = scorer.score(AT + timedelta(days=3))
    journal.store(later)
    assert len(kept.frames) == 2
    assert set(kept.frames[1]["team"]) <= set(frame["team"])
    journal.forget()
    journal.store(later)
    assert len(kept.frames) == 3
