"""What estimates promise of themselves, what came true, and who would have caught more: each against its definition."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.decided_clocks import decided_clocks
from serving.quality.book import KEEP_SECONDS, Quality, QualityBook
from serving.quality.estimated import LEAST, estimated_quality
from serving.quality.figures import brier, brier_spread, count_spread, roc_auc
from serving.quality.statements import first_said
from sla.instants import to_us
from tests.serving.builders import busy_desk
from tests.serving.said_and_ended import NOW, clocks_of, said_of
from tests.serving.stored_desk import Desk

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
