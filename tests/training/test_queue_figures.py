"""Queues, lead time, cost, landmarks and slices: each against plain loops, and on cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluation.costs import TicketPeaks, best_threshold, cost_each, cost_table
from training.evaluation.landmarks import landmarks
from training.evaluation.lead_time import FAR_HOURS, flags, lead_figures, stability
from training.evaluation.queue import (
    DUE,
    DUE_WAITING_LAST,
    MODEL,
    PRODUCT,
    QueueLooks,
    breaches_far,
    breaches_soon,
    orders,
    places,
    top_table,
)
from training.evaluation.slices import slices

HOUR_US = 3_600_000_000


def desk(tickets: int = 40, hours: int = 30, seed: int = 0) -> QueueLooks:
    """Every ticket is looked at every hour from its opening until it is due; half of them breach then, some wait."""
    rng = np.random.default_rng(seed)
    opened, length = rng.integers(0, hours, tickets), rng.integers(2, 40, tickets)
    is_breach, is_waiting = rng.random(tickets) < 0.5, rng.random(tickets) < 0.3
    ticket, at = (part.reshape(-1) for part in np.meshgrid(np.arange(tickets), np.arange(hours), indexing="ij"))
    seen = (at >= opened[ticket]) & (at < (opened + length)[ticket])
    ticket, at = ticket[seen], at[seen]
    left = (opened + length)[ticket] - at
    return QueueLooks(
        ticket=ticket,
        at_us=at * HOUR_US,
        due_us=(at + left) * HOUR_US,
        is_waiting=is_waiting[ticket],
        share_used=1 - left / length[ticket],
        hours_to_due=left.astype(float),
        hours_to_breach=np.where(is_breach[ticket], left, np.inf),
        day=at // 10,
    )


def slow_share_found(looks: QueueLooks, score: np.ndarray, wanted: np.ndarray, sought: np.ndarray, top: int) -> float:
    found = of = 0
    for at in np.unique(looks.at_us):
        rows = [row for row in range(len(looks)) if looks.at_us[row] == at and sought[row]]
        first = sorted(rows, key=lambda row: -score[row])[:top]
        found += sum(wanted[row] for row in first)
        of += sum(wanted[row] for row in rows)
    return found / of


def test_the_share_found_at_the_top_is_that_of_sorting_every_queue_by_hand() -> None:
    looks = desk()
    probability = np.random.default_rng(5).random(len(looks))
    far, sought = breaches_far(looks)
    for wanted, among in ((breaches_soon(looks), np.ones(len(looks), bool)), (far, sought)):
        for name, score in orders(looks, {MODEL: probability}).items():
            table = top_table(looks, {name: score, "same": score}, wanted, 3, name, is_sought=among, draws=30)
            assert table.found[name].value == pytest.approx(slow_share_found(looks, score, wanted, among, 3)), name
            assert (table.gain["same"].value, table.gain["same"].low, table.gain["same"].high) == (0, 0, 0)


def test_a_waiting_ticket_stands_behind_every_running_one_only_in_the_rule_that_says_so() -> None:
    looks = desk()
    rules = orders(looks, {})
    for at in np.unique(looks.at_us):
        now = looks.at_us == at
        by_rule = looks.is_waiting[now][np.argsort(-rules[DUE_WAITING_LAST][now], kind="stable")]
        assert (np.diff(by_rule.astype(int)) >= 0).all()
        due = looks.due_us[now][np.argsort(-rules[DUE][now], kind="stable")]
        assert (np.diff(due) >= 0).all()


def test_the_product_puts_what_runs_out_soon_before_what_is_likely() -> None:
    looks = desk()
    score = orders(looks, {MODEL: np.full(len(looks), 0.99)})[PRODUCT]
    is_near = ~looks.is_waiting & (looks.hours_to_due <= 16)
    assert score[is_near].min() > score[~is_near].max()


def test_knowing_the_future_finds_everything_that_fits_on_the_list() -> None:
    looks = desk()
    wanted = breaches_soon(looks)
    table = top_table(looks, {"oracle": wanted.astype(float), "blind": -looks.hours_to_due}, wanted, 1000, "oracle")
    assert table.found["oracle"].value == 1.0
    assert table.precision["oracle"] == pytest.approx(wanted.mean())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=40))
def test_places_count_from_the_top_within_each_instant(rows: list[tuple[int, int]]) -> None:
    at = np.array([row[0] for row in rows], np.int64)
    score = np.array([row[1] for row in rows], float)
    found = places(at, score)
    for row in range(len(rows)):
        ahead = [o for o in range(len(rows)) if at[o] == at[row] and (-score[o], o) < (-score[row], row)]
        assert found[row] == len(ahead)


def test_a_ticket_is_flagged_at_its_first_look_above_the_threshold_and_leads_from_there() -> None:
    ticket = np.array([7, 7, 7, 3, 3, 9, 9, 5])
    at = np.array([1, 2, 3, 1, 2, 2, 4, 9])
    score = np.array([0.1, 0.8, 0.9, 0.2, 0.3, 0.7, 0.2, 0.1])
    hours = np.array([30.0, 20, 10, np.inf, np.inf, np.inf, np.inf, 5])
    raised = flags(ticket, at, score, 0.5)
    assert raised.threshold == 0.7
    assert dict(zip(raised.ticket.tolist(), raised.first_look.tolist(), strict=True)) == {3: -1, 5: -1, 7: 1, 9: 5}
    found = lead_figures(ticket, at, np.arange(8), hours, score, share=0.5, draws=20)
    assert (found.tickets, found.flagged_share, found.median_lead_hours) == (4, 0.5, 20.0)
    assert (found.recall.value, found.far_recall.value, found.precision.value) == (0.5, 0.5, 0.5)


def test_early_warnings_spend_no_flag_on_a_look_that_comes_too_late() -> None:
    ticket = np.array([1, 1, 2, 2, 3, 4])
    at = np.array([1, 2, 1, 2, 1, 1])
    score = np.array([0.4, 0.9, 0.1, 0.8, 0.3, 0.2])
    hours = np.array([30.0, 2, np.inf, np.inf, np.inf, 40])
    in_time = np.array([True, False, True, False, True, False])
    any_time = flags(ticket, at, score, 0.5)
    assert any_time.first_look.tolist() == [1, 3, -1, -1]
    early = flags(ticket, at, score, 0.5, in_time)
    assert early.first_look.tolist() == [0, -1, 4, -1]
    found = lead_figures(ticket, at, ticket, hours, score, share=0.5, may_flag=in_time, draws=20)
    assert (found.far_recall.value, found.precision.value, found.flagged_share) == (0.5, 0.5, 0.5)
    assert flags(ticket, at, score, 1.0, np.zeros(6, bool)).first_look.tolist() == [-1, -1, -1, -1]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), share=st.sampled_from([0.1, 0.2, 0.5]))
def test_lead_figures_are_those_of_a_loop_over_tickets(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    ticket, at, score = rng.integers(0, 20, 120), rng.permutation(120), np.round(rng.random(120), 2)
    hours = np.where((ticket % 3 == 0), rng.random(120) * 40, np.inf)
    found = lead_figures(ticket, at, ticket, hours, score, share=share, draws=20)
    hits = far = breaches = flagged = 0
    for one in np.unique(ticket):
        rows = sorted(np.flatnonzero(ticket == one), key=lambda row: at[row])
        first = next((row for row in rows if score[row] >= found.threshold), None)
        breaches += one % 3 == 0
        flagged += first is not None
        hits += one % 3 == 0 and first is not None
        far += one % 3 == 0 and first is not None and hours[first] >= FAR_HOURS
    assert found.flagged_share == pytest.approx(flagged / len(np.unique(ticket)))
    assert found.flagged_share >= share - 0.05
    assert found.recall.value == pytest.approx(hits / breaches)
    assert found.far_recall.value == pytest.approx(far / breaches)
    assert found.precision.value == pytest.approx(hits / flagged)


def test_a_probability_that_never_moves_is_stable_and_one_that_jumps_is_not() -> None:
    ticket, at = np.array([1, 1, 2, 2]), np.array([2, 1, 1, 2])
    assert stability(ticket, at, np.array([0.4, 0.4, 0.9, 0.9])) == 1.0
    assert stability(ticket, at, np.array([0.4, 0.2, 0.9, 0.5])) == pytest.approx(0.7)
    assert np.isnan(stability(np.array([1, 2]), np.array([1, 1]), np.array([0.4, 0.2])))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), miss=st.sampled_from([1, 2, 5, 20]))
def test_no_threshold_costs_less_than_the_chosen_one(seed: int, miss: int) -> None:
    rng = np.random.default_rng(seed)
    highest = np.round(rng.random(30), 1)
    in_time = np.where(rng.random(30) < 0.2, -1.0, np.minimum(highest, np.round(rng.random(30), 1)))
    peaks = TicketPeaks(highest, in_time, (rng.random(30) < 0.3).astype(float), np.arange(30))
    chosen = cost_each(peaks, best_threshold(peaks, miss), miss).sum()
    assert all(chosen <= cost_each(peaks, cut, miss).sum() + 1e-9 for cut in [-2.0, *np.arange(-0.05, 1.1, 0.05)])


def test_a_flag_in_the_last_minutes_costs_its_action_and_the_breach() -> None:
    peaks = TicketPeaks.of(
        np.array([1, 1, 2, 2, 3]), np.array([1.0, 1, 1, 1, 0]), np.array([0.2, 0.9, 0.9, 0.1, 0.9]),
        np.array([0.5, 0.95, 0.5, 0.95, 0.99]), np.arange(5),
    )  # fmt: skip
    assert cost_each(peaks, 0.5, 10).tolist() == [11, 1, 1]
    assert cost_each(peaks, 0.95, 10).tolist() == [10, 10, 0]


def test_thresholds_come_from_earlier_tickets_and_never_from_those_they_are_judged_on() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(2000)
    earlier = TicketPeaks(p[:1000], p[:1000], (rng.random(1000) < p[:1000]).astype(float), np.arange(1000) // 50)
    later = TicketPeaks(p[1000:], p[1000:], (rng.random(1000) < p[1000:]).astype(float), np.arange(1000) // 50)
    learned = cost_table(later, earlier, draws=30)
    assert [one.threshold for one in learned] == [best_threshold(earlier, ratio) for ratio in (1, 2, 3, 5, 10, 20)]
    plain = cost_table(later, None, draws=30)
    assert [one.threshold for one in plain] == [1, 1 / 2, 1 / 3, 1 / 5, 1 / 10, 1 / 20]
    assert not plain[0].is_learned
    for one in plain[1:4]:  # these probabilities are true: acting above one in the ratio is cheaper than either extreme
        assert one.saving > 0


def test_peaks_are_the_highest_probability_of_each_ticket() -> None:
    peaks = TicketPeaks.of(
        np.array([4, 2, 4]),
        np.array([1.0, 0, 1]),
        np.array([0.3, 0.2, 0.1]),
        np.array([0.95, 0.1, 0.2]),
        np.array([8, 9, 8], np.int64),
    )
    assert peaks.in_time.tolist() == [0.2, 0.1]
    assert (peaks.highest.tolist(), peaks.is_breach.tolist(), peaks.day.tolist()) == ([0.2, 0.3], [0, 1], [9, 8])


def test_at_a_landmark_the_clock_itself_tells_nothing() -> None:
    rng = np.random.default_rng(2)
    share = np.repeat([0.1, 0.5], 600)
    skill = rng.random(1200)
    y = (rng.random(1200) < skill).astype(float)
    found = landmarks(
        share,
        y,
        np.arange(1200) % 40,
        {"model": skill, "clock": share},
        {"all": np.ones(1200, bool), "few": np.arange(1200) < 10},
        "model",
        draws=40,
    )
    assert [(one.group, one.share, one.tickets) for one in found] == [("all", 0.1, 600), ("all", 0.5, 600)]
    assert all(one.auc["clock"].value == 0.5 and one.gain["clock"].low > 0 for one in found)


def test_a_slice_in_which_the_model_is_wrong_is_found_although_the_whole_looks_right() -> None:
    rng = np.random.default_rng(3)
    team = np.array(["a", "b", "c"], object)[rng.integers(0, 3, 3000)]
    came = np.where(team == "a", 0.5, np.where(team == "b", 0.1, 0.3))
    y = (rng.random(3000) < came).astype(float)
    found = slices(
        {"team": team, "one value": np.full(3000, "x", object)},
        np.arange(3000),
        y,
        np.full(3000, 0.3),
        np.arange(3000) % 40,
    )
    off = {one.value: one.is_off for one in found}
    assert off["a"]
    assert off["b"]
    assert {one.column for one in found} == {"team"}
    gap = next(one.gap for one in found if one.value == "a")
    assert gap.value == pytest.approx(0.2, abs=0.05)
