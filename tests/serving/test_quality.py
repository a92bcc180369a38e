"""What estimates promise of themselves, what came true, and who would have caught more: each against its definition."""

from __future__ import annotations

import itertools
import random
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.levels import decided_clocks
from serving.quality.book import KEEP_SECONDS, Quality, QualityBook
from serving.quality.contest import LEAST_MISSED, LEAST_TICKETS, RULES, contest, mornings_of
from serving.quality.estimated import LEAST, estimated_quality
from serving.quality.figures import brier, brier_spread, count_spread, roc_auc
from serving.quality.statements import first_said
from sla.instants import to_us
from tests.serving.builders import busy_desk
from tests.serving.stored_desk import Desk

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CHANCES = st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.5, 0.9, 1.0]), min_size=2, max_size=6)


@given(CHANCES)
def test_what_probabilities_promise_is_the_mean_of_all_outcomes(chances: list[float]) -> None:
    """Each outcome is played out and weighted: the Brier score and its spread, the misses and theirs, the ordered pairs and all pairs."""
    said = np.array(chances)
    scores, counts, weights, ordered, pairs = [], [], [], 0.0, 0.0
    for outcome in itertools.product([0.0, 1.0], repeat=len(chances)):
        came = np.array(outcome)
        weight = float(np.prod(np.where(came == 1, said, 1 - said)))
        scores.append(float(((said - came) ** 2).mean()))
        counts.append(float(came.sum()))
        weights.append(weight)
        for miss, keep in itertools.product(said[came == 1], said[came == 0]):
            ordered += weight * (1.0 if miss > keep else 0.5 if miss == keep else 0.0)
            pairs += weight
    mean = float(np.average(scores, weights=weights))
    assert brier(said, said) == pytest.approx(mean)
    assert brier_spread(said) == pytest.approx(
        float(np.sqrt(np.average((np.array(scores) - mean) ** 2, weights=weights))), abs=1e-7
    )
    spread = float(np.sqrt(np.average((np.array(counts) - said.sum()) ** 2, weights=weights)))
    assert count_spread(said) == pytest.approx(spread, abs=1e-7)
    found = roc_auc(said, said)
    assert found == (pytest.approx(ordered / pairs) if pairs > 1e-9 else None)


@given(st.lists(st.tuples(st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]), st.booleans()), min_size=1, max_size=12))
def test_of_outcomes_it_is_the_share_of_ordered_pairs(rows: list[tuple[float, bool]]) -> None:
    pairs = [(high, low) for high, missed in rows if missed for low, other in rows if not other]
    score, came = np.array([row[0] for row in rows]), np.array([float(row[1]) for row in rows])
    ordered = sum(1.0 if high > low else 0.5 if high == low else 0.0 for high, low in pairs)
    assert roc_auc(score, came) == (pytest.approx(ordered / len(pairs)) if pairs else None)


def said_of(rows: list[tuple[str, float, float, str, bool, float | None]]) -> pd.DataFrame:
    """Ticket, hours before now, probability, bundle, whether in the shadow, hours until due (None: nobody knows)."""
    frame = pd.DataFrame(rows, columns=["ticket_id", "ago", "probability", "bundle_version", "is_shadow", "due"])
    frame["scored_at"] = pd.to_datetime([NOW - timedelta(hours=ago) for ago in frame["ago"]], utc=True)
    due = [None if pd.isna(hours) else NOW + timedelta(hours=float(hours)) for hours in frame["due"]]
    frame["due_at"] = pd.to_datetime(pd.Series(due, dtype=object), utc=True)
    return frame.drop(columns=["ago", "due"])


def clocks_of(ends: dict[str, tuple[float, bool]], target: str = "resolution") -> pd.DataFrame:
    """How many hours before now each was decided, and whether it was met."""
    rows = [(ticket, target, is_met, NOW - timedelta(hours=ago)) for ticket, (ago, is_met) in ends.items()]
    return pd.DataFrame(rows, columns=["ticket_id", "target", "is_met", "decided_at"])


def test_the_first_word_on_each_ticket_counts_while_its_clock_was_open() -> None:
    said = said_of(
        [
            ("A", 5, 0.9, "v1", False, 1), ("A", 9, 0.2, "v1", False, 1), ("A", 20, 0.7, "v2", True, 1),
            ("late", 5, 0.4, "v1", False, 1), ("just", 6, 0.4, "v1", False, 1), ("open", 5, 0.6, "v1", False, 1), ("other", 5, 0.3, "v1", False, 1),
        ]
    )  # fmt: skip
    clocks = pd.concat(
        [
            clocks_of({"A": (1, False), "late": (6, True), "just": (6, True)}),
            clocks_of({"other": (1, False)}, "first_response"),
        ]
    )
    clocks = pd.concat([clocks_of({"A": (3, True)}), clocks])  # it was reopened: the last decision holds
    first = first_said(said, clocks, "resolution").set_index("ticket_id")
    assert first["probability"].to_dict() == {"A": 0.2, "open": 0.6, "other": 0.3}
    assert first["is_ended"].to_dict() == {"A": True, "open": False, "other": False}
    assert first["missed"].to_dict() == {"A": True, "open": False, "other": False}
    assert first.loc["A", "scored_us"] == to_us(NOW - timedelta(hours=9))


def first_of(probability: np.ndarray, ended: np.ndarray, missed: np.ndarray, days_ago: float) -> pd.DataFrame:
    at = to_us(NOW - timedelta(days=days_ago))
    names = [f"{days_ago}-{place}" for place in range(len(probability))]
    return pd.DataFrame({"ticket_id": names, "scored_us": at, "probability": probability, "is_ended": ended, "missed": missed & ended})  # fmt: skip


@pytest.mark.parametrize(("shift", "word"), [(0.0, "as said"), (-0.6, "worse")])
def test_a_week_is_read_once_most_of_it_ended(shift: float, word: str) -> None:
    """Tickets miss as their probabilities say, or 0.6 less often: outcomes by the quantiles of each level, so nothing is left to chance."""
    said = np.repeat(np.linspace(0.05, 0.95, 10), 20)
    came = (np.tile(np.arange(20), 10) + 0.5) / 20 < said + shift
    all_ended = first_of(said, np.ones(200, bool), came, 3)
    (span,) = estimated_quality(all_ended, NOW - timedelta(days=28), NOW)
    assert (span.tickets, span.ended, span.word) == (200, 200, word)
    assert span.expected == span.expected_of_ended
    assert span.expected.missed == pytest.approx(100)
    assert span.seen is not None
    assert span.seen.missed == came.sum()
    assert (span.missed_low <= span.seen.missed <= span.missed_high) == (word == "as said")
    assert span.brier_high - span.expected.brier == pytest.approx(1.96 * brier_spread(said))
    assert span.expected.brier - span.brier_low == pytest.approx(1.96 * brier_spread(said))
    assert (span.missed_low, span.missed_high) == pytest.approx((100 - 1.96 * count_spread(said), 100 + 1.96 * count_spread(said)))  # fmt: skip
    assert (span.seen.auc, span.seen.brier) == (roc_auc(said, came * 1.0), brier(said, came * 1.0))
    (half,) = estimated_quality(first_of(said, np.arange(200) % 2 == 0, came, 3), NOW - timedelta(days=28), NOW)
    assert (half.ended, half.word) == (100, "open")
    assert half.expected == span.expected
    few = LEAST - 1
    (small,) = estimated_quality(all_ended[:few], NOW - timedelta(days=28), NOW)
    assert (small.tickets, small.word) == (few, "open")


def test_outcomes_sharper_than_said_are_better_and_ranges_stay_possible() -> None:
    said = np.repeat(np.linspace(0.05, 0.95, 10), 20)
    sharp = first_of(said, np.ones(200, bool), said > 0.5, 3)
    (span,) = estimated_quality(sharp, NOW - timedelta(days=28), NOW)
    assert span.word == "better"
    surely = first_of(np.full(40, 0.99), np.ones(40, bool), np.ones(40, bool), 3)
    (span,) = estimated_quality(surely, NOW - timedelta(days=28), NOW)
    assert (span.word, span.brier_low, span.missed_high) == ("as said", 0.0, 40.0)
    for ended, word in ((31, "open"), (32, "as said")):  # of forty, eight in ten
        some = first_of(np.full(40, 0.99), np.arange(40) < ended, np.ones(40, bool), 3)
        (span,) = estimated_quality(some, NOW - timedelta(days=28), NOW)
        assert (span.ended, span.word) == (ended, word)


def test_spans_are_weeks_back_from_now_and_each_ticket_is_in_one() -> None:
    one = np.array([0.3])
    parts = [first_of(one, one > 1, one > 1, days) for days in (0, 6.99, 7, 20, 27)]
    spans = estimated_quality(pd.concat(parts), NOW - timedelta(days=28), NOW)
    assert [(span.until - NOW, span.tickets) for span in spans] == [(timedelta(days=-21), 1), (timedelta(days=-14), 1), (timedelta(days=-7), 1), (timedelta(0), 2)]  # fmt: skip
    assert all(span.until - span.since == timedelta(days=7) for span in spans)
    assert all(span.seen is None and span.word == "open" for span in spans)


@dataclass(frozen=True)
class Morning:
    """The queue of one morning: ticket, its score by each contender, whether it missed."""

    rows: list[tuple[str, tuple[float, ...], bool]]

    def caught(self, place: int, top: int) -> int:
        return sum(missed for _ticket, _scores, missed in sorted(self.rows, key=lambda row: -row[1][place])[:top])

    @property
    def missed(self) -> int:
        return sum(row[2] for row in self.rows)


def slow_mornings(
    said: pd.DataFrame, clocks: pd.DataFrame, mornings: list[datetime], versions: list[str]
) -> list[Morning]:
    """Each morning on which there was something to judge, by plain loops."""
    ends = {row.ticket_id: row for row in clocks.itertuples()}
    rows = sorted(said.itertuples(), key=lambda row: row.scored_at)
    found = []
    for at in mornings:
        last = {(row.ticket_id, row.bundle_version): row for row in rows if row.scored_at <= at}
        queue = []
        for ticket, end in ends.items():
            if end.decided_at <= at or any((ticket, version) not in last for version in versions):
                continue
            due = last[ticket, versions[0]].due_at
            left = float("inf") if pd.isna(due) else (due - at).total_seconds()
            scores = (*(last[ticket, version].probability for version in versions), -left)
            queue.append((ticket, scores, not end.is_met))
        if queue:
            found.append(Morning(queue))
    return found


def a_month(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    chance = random.Random(seed)
    rows: list[tuple[str, float, float, str, bool, float | None]] = []
    ends = {}
    for number in range(200):
        ticket, opened = f"T{number}", chance.uniform(20, 300)
        due = None if chance.random() < 0.2 else -opened + chance.uniform(5, 80)
        for version, is_shadow in (("v1", False), ("v2", True), ("v0", False)):
            rows += [
                (ticket, opened - chance.uniform(0, 15), chance.random(), version, is_shadow, due)
                for _ in range(chance.randrange(4))
            ]
        if chance.random() < 0.8:
            ends[ticket] = (opened - chance.uniform(0, 60), chance.random() < 0.6)
    return said_of(rows), clocks_of(ends)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_morning_is_played_again_as_plain_loops_have_it(seed: int) -> None:
    said, clocks = a_month(seed)
    mornings = mornings_of(NOW - timedelta(days=13), NOW, "Europe/Berlin")
    assert len(mornings) == 13
    assert {(at.hour, at.utcoffset()) for at in mornings} == {(8, timedelta(hours=2))}
    found = contest(said, clocks, "resolution", "v1", mornings)
    assert found is not None
    assert [one.name for one in found.contenders] == ["v1", "v2", RULES]
    slow = slow_mornings(said, clocks, mornings, ["v1", "v2"])
    assert found.mornings == len(slow)
    assert found.missed == sum(one.missed for one in slow)
    assert found.tickets == len({row[0] for one in slow for row in one.rows})
    usual = sum(len(one.rows) for one in slow) / len(slow)
    assert found.tops == tuple(top for top in (5, 10, 20, 50) if top < usual)
    assert found.possible == tuple(sum(min(top, one.missed) for one in slow) for top in found.tops)
    for place, one in enumerate(found.contenders):
        assert one.caught == tuple(sum(day.caught(place, top) for day in slow) for top in found.tops)
        score = np.array([row[1][place] for day in slow for row in day.rows])
        came = np.array([float(row[2]) for day in slow for row in day.rows])
        assert one.auc == pytest.approx(roc_auc(score, came))
        assert one.brier == (None if one.name == RULES else pytest.approx(brier(score, came)))
    assert found.contenders[2].brier is None
    alone = contest(said[~said["is_shadow"]], clocks, "resolution", "v1", mornings)
    assert alone is not None
    assert [one.name for one in alone.contenders] == ["v1", RULES]
    assert alone.tickets >= found.tickets


def test_who_knows_all_catches_all_there_is() -> None:
    said, clocks = a_month(3)
    missed = dict(zip(clocks["ticket_id"], ~clocks["is_met"], strict=True))
    said["probability"] = [float(missed.get(ticket, 0)) for ticket in said["ticket_id"]]
    found = contest(said, clocks, "resolution", "v1", mornings_of(NOW - timedelta(days=13), NOW, "UTC"))
    assert found is not None
    assert (found.contenders[0].caught, found.contenders[0].auc, found.contenders[0].brier) == (
        found.possible,
        1.0,
        0.0,
    )


def test_what_is_said_at_the_morning_counts_and_what_was_decided_then_does_not() -> None:
    morning = NOW - timedelta(hours=4)
    said = said_of([(f"T{place}", 4, place / 100, "v1", False, 1) for place in range(80)])
    ends = {f"T{place}": (4 if place < 40 else 1, place % 2 == 0) for place in range(80)}
    found = contest(said, clocks_of(ends), "resolution", "v1", [morning])
    assert found is not None
    assert (found.tickets, found.missed, found.since, found.until) == (40, 20, morning, morning)
    same = pd.concat([said, said.assign(is_shadow=True)], ignore_index=True)  # the challenger was promoted since
    alone = contest(same, clocks_of(ends), "resolution", "v1", [morning])
    assert alone is not None
    assert [one.name for one in alone.contenders] == ["v1", RULES]


def test_mornings_lie_between_both_instants() -> None:
    eight = datetime(2026, 6, 1, 8, tzinfo=UTC)
    assert mornings_of(eight - timedelta(days=2), eight, "UTC") == [
        eight - timedelta(days=place) for place in (2, 1, 0)
    ]
    assert mornings_of(eight + timedelta(seconds=1), eight + timedelta(hours=23), "UTC") == []


def test_with_too_little_there_is_no_contest() -> None:
    said, clocks = a_month(1)
    mornings = mornings_of(NOW - timedelta(days=13), NOW, "UTC")
    assert contest(said, clocks, "resolution", "v9", mornings) is None
    assert contest(said[said["is_shadow"]], clocks, "resolution", "v1", mornings) is None
    assert contest(said, clocks, "resolution", "v1", []) is None
    assert contest(said, clocks[: LEAST_TICKETS - 1], "resolution", "v1", mornings) is None
    assert contest(said, clocks.assign(is_met=True), "resolution", "v1", mornings) is None
    met = clocks.assign(is_met=[place >= LEAST_MISSED - 2 for place in range(len(clocks))])
    few = contest(said, met, "resolution", "v1", mornings)
    assert few is None or few.missed >= LEAST_MISSED


def soon(book: QualityBook, queue: object) -> Quality:
    deadline = time.monotonic() + 30
    while (found := book.soon(queue)) is None:  # type: ignore[arg-type]
        assert time.monotonic() < deadline, "it was not worked out"
        time.sleep(0.01)
    return found


def test_the_book_works_in_the_background_and_keeps_what_it_found(desk: Desk) -> None:
    counts: list[datetime] = []
    queue = replace(busy_desk(20), as_of=desk.service.standing.queue.as_of)  # type: ignore[union-attr]

    def clocks(asked: object) -> pd.DataFrame:
        counts.append(asked.as_of)  # type: ignore[attr-defined]
        return decided_clocks(desk.service.source.histories, asked.as_of, "UTC")  # type: ignore[attr-defined]

    book = QualityBook(desk.store, clocks)
    assert book.soon(queue) is None
    found = soon(book, queue)
    assert (found.until, found.one_in, found.contest) == (queue.as_of, 1, None)
    assert book.soon(replace(queue, as_of=queue.as_of + timedelta(seconds=KEEP_SECONDS - 1))) is found
    assert book.soon(replace(queue, bundle_version="another v9")) is None
    assert QualityBook(None, clocks).soon(queue) is None
