"""What columns say of scored tickets is what their rows say in words."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from serving.levels import open_chances
from serving.queue import Counts, Queue, QueueRow
from serving.risk import Risk, Thresholds
from serving.scored import GROUPS, RISKS
from serving.scored_rows import ScoredRows
from serving.scorer import Scorer
from serving.selection import Cursor, Selection, Sort, View, page
from serving.suggested import OrderSettings
from tests.serving.real_desk import AT, ListStore, agreements, fitted_bundle, random_events

EVENTS = random_events(120, seed=7)


@pytest.fixture(scope="module", params=["rules", "model", "suggested"])
def queue(request: pytest.FixtureRequest) -> Queue:
    bundle = None if request.param == "rules" else fitted_bundle(EVENTS)
    limits = Thresholds(save_within_working_hours=3.0, high_risk_from=0.45, some_risk_from=0.35)
    order = OrderSettings(is_wanted=request.param == "suggested")
    return Scorer(ListStore(EVENTS), agreements(), bundle, thresholds=limits, order=order).score(AT)


def in_words(queue: Queue) -> Queue:
    """The same queue with every row put into words at once."""
    return replace(queue, rows=tuple(queue.rows))


def test_the_order_is_that_of_the_rows(queue: Queue) -> None:
    rows = tuple(queue.rows)
    if queue.order == "rules":
        assert Queue.ordered(reversed(rows), AT, thresholds=queue.thresholds).rows == rows
    else:
        assert sorted(rows, key=by_gain) == list(rows)
        assert sum(row.gain_per_minute is not None for row in rows) > 30
    assert len(rows) > 50


def by_gain(row: QueueRow) -> tuple[object, ...]:
    """The suggested order from words alone: groups, in them by gain, what nobody can work on behind it."""
    last = datetime.max.replace(tzinfo=UTC)
    if row.gain_per_minute is not None:
        return row.group.rank, 0, -row.gain_per_minute, row.clock.due_at, row.ticket_id
    if row.risk is Risk.NO_CLOCK:
        return row.group.rank, 1, 0.0, row.opened_at, row.ticket_id
    return row.group.rank, 2, 0.0, row.clock.due_at or last, row.ticket_id


def test_risk_group_and_counts_are_those_of_the_rows(queue: Queue) -> None:
    rows = queue.rows
    assert isinstance(rows, ScoredRows)
    assert [RISKS[code] for code in rows.scored.risk[rows.places]] == [row.risk for row in rows]
    assert [GROUPS[code] for code in rows.scored.group[rows.places]] == [row.group for row in rows]
    assert queue.counts == Counts.of(tuple(rows))
    assert len({row.risk for row in rows}) >= 5


def test_the_chances_to_miss_are_those_of_the_rows(queue: Queue) -> None:
    if queue.bundle_version is None:
        assert open_chances(queue, "", queue.target, AT) is None
        return
    counted = []
    for name, days in itertools.product({row.clock.agreement for row in queue.rows}, (0, 1, 400)):
        found = open_chances(queue, name, queue.target, AT + timedelta(days=days))
        assert found == open_chances(in_words(queue), name, queue.target, AT + timedelta(days=days))
        counted.append(len(found or ()))
    assert max(counted) > 10
    assert len(set(counted)) > 1


@pytest.mark.parametrize("view", View)
def test_views_and_filters_choose_the_same_rows(queue: Queue, view: View) -> None:
    listed = in_words(queue)
    team = ({}, {"team": ("Desk",)}, {"team": ("Network", "")})
    rest = (
        {},
        {"priority": ("1", "3")},
        {"risk": (Risk.PAUSED, Risk.BREACHED)},
        {"text": "t01 TITLE"},
        {"text": "no"},
        {"status": ("waiting",), "assignee": ("", "Ada")},
    )
    for one, other in itertools.product(team, rest):
        wanted = Selection(view=view, **one, **other)
        found, expected = wanted.apply(queue), wanted.apply(listed)
        assert tuple(found.rows) == tuple(expected.rows)
        assert found.counts == expected.counts


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("descending", [False, True])
def test_sorts_give_the_same_rows_and_ties_keep_the_suggested_order(queue: Queue, sort: Sort, descending: bool) -> None:
    wanted = Selection(sort=sort, descending=descending)
    assert tuple(wanted.apply(queue).rows) == tuple(wanted.apply(in_words(queue)).rows)


def test_pages_follow_each_other_and_one_ticket_is_found(queue: Queue) -> None:
    first = page(queue.rows, 7, None)
    assert first.next is not None
    second = page(queue.rows, 7, Cursor.decode(first.next.encode()))
    assert (*first.rows, *second.rows) == tuple(queue.rows)[:14]
    wanted = second.rows[3]
    assert queue.find(wanted.ticket_id) == wanted
    assert queue.find("unknown") is None


def test_a_row_is_put_into_words_only_when_it_is_looked_at(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    scored = queue.rows.scored  # type: ignore[attr-defined]
    plain = type(scored).rows
    monkeypatch.setattr(type(scored), "rows", lambda self, places: asked.append(len(places)) or plain(self, places))
    found = Selection(text="title", team=("Desk",), sort=Sort.DUE).apply(queue)
    assert (asked, found.counts.all > 5) == ([], True)
    assert len(found.rows[:5]) == 5
    assert asked == [5]


def test_the_places_of_many_tickets_are_those_of_each(queue: Queue) -> None:
    assert isinstance(queue.rows, ScoredRows)
    scored = queue.rows.scored
    ids = [row.ticket_id for row in queue.rows[:7]]
    assert scored.places_of([*ids, "nobody's", ids[0]]).tolist() == [*queue.rows.places[:7], -1, queue.rows.places[0]]
    assert scored.places_of(scored.facts.ticket_ids.tolist()).tolist() == list(range(len(queue.rows)))
    assert scored.places_of([]).tolist() == []
