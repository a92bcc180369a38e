"""Services made of others: when the whole was down, as known at each instant."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from features.outages.checks import CheckRules
from features.outages.columns import outage_columns
from features.outages.groups import group_ledger
from features.outages.ledger import Ledger
from features.outages.rows import labelled, rows_at
from features.outages.wholes import Groups
from sla.instants import DAY_US
from tests.features.builders import MONDAY
from tests.features.group_events import (
    BEGIN_US,
    GROUPS,
    KINDS,
    LENGTH,
    MINUTE_US,
    PAIR,
    Lasting,
    all_told,
    at_once,
    events_of,
    known_of_all,
    told_of,
)


@st.composite
def lives(draw: st.DrawFn) -> list[Lasting]:
    """Outages and maintenance of each part and of a group by its own name; those of one kind and service do not touch."""
    found = []
    for service in ("A", "B", "C", "D", "Pair"):
        for kind in KINDS:
            at = 0
            for gap, length in draw(st.lists(st.tuples(st.integers(1, 90), st.integers(1, 90)), max_size=3)):
                if at + gap + length < LENGTH:
                    found.append(at_once(service, at + gap, at + gap + length, kind))
                    at += gap + length
    return found


def minutes_down(found: list[Lasting], groups: Groups) -> dict[str, list[bool]]:
    """Of each service and group, in order of being made of each other, whether it is down in each minute."""
    minutes = {(name, kind): [False] * (LENGTH + 1) for name in ("A", "B", "C", "D", *groups) for kind in KINDS}
    for name, kind, low, high, *_ in found:
        minutes[name, kind][low:high] = [True] * (high - low)
    out: dict[str, list[bool]] = {}
    for name in ("A", "B", "C", "D", *groups):
        pairs = zip(minutes[name, "outage"], minutes[name, "maintenance"], strict=True)
        own = [is_out and not is_planned for is_out, is_planned in pairs]
        needed, parts = groups.get(name, (0, ()))
        out[name] = [
            own[minute] or sum(not out[part][minute] for part in parts) < needed for minute in range(LENGTH + 1)
        ]
    return out


@settings(max_examples=25, deadline=None)
@given(lives(), st.integers(1, 2), st.integers(1, 3), st.integers(0, 20))
def test_outages_recorded_as_they_happen_are_those_that_counting_minutes_finds(
    found: list[Lasting], pair: int, site: int, wait: int
) -> None:
    needed = {"Pair": pair, "Site": site, "All": 2}
    groups = {name: (needed[name], parts) for name, (_, parts) in GROUPS.items()}
    minutes, told = minutes_down(found, groups), all_told(groups, *found, wait=wait)
    for group in groups:
        down = minutes[group]
        begins = [minute for minute in range(LENGTH) if down[minute] and not (minute and down[minute - 1])]
        ends = [minute for minute in range(1, LENGTH + 1) if not down[minute] and down[minute - 1]]
        assert told[group] == [(b, e, min(b + wait, e), e) for b, e in zip(begins, ends, strict=True)]


# ---- records that come late


def test_an_outage_is_told_when_its_last_part_is_and_from_when_it_began():
    late = ("A", "outage", 10, 60, 10, 90), ("B", "outage", 20, 50, 40, 70)
    assert told_of("Pair", PAIR, *late) == [(20, 50, 40, 70)]


def test_a_past_outage_recorded_at_once_is_told_whole():
    assert told_of("Pair", PAIR, ("A", "outage", 10, 60, 300, 300), ("B", "outage", 20, 50, 300, 300)) == [
        (20, 50, 300, 300)
    ]


def test_an_end_that_comes_late_takes_the_outage_back():
    """B failed after A was up again, but that A was up became known five minutes later."""
    found = ("A", "outage", 10, 30, 10, 45), ("B", "outage", 40, 80, 40, 80)
    assert told_of("Pair", PAIR, *found) == [(40, 40, 40, 45)]
    assert told_of("Pair", PAIR, *found, wait=15) == []


def test_a_group_still_down_after_its_outage_was_told_to_be_over_is_told_down_again():
    groups: Groups = {"Pair": (2, ("A", "B"))}
    found = ("A", "outage", 10, 30, 10, 30), ("B", "outage", 20, 90, 50, 90)
    assert told_of("Pair", groups, *found) == [(10, 30, 10, 30), (30, 90, 50, 90)]


@st.composite
def late_lives(draw: st.DrawFn) -> tuple[list[Lasting], int]:
    """The records of one service arrive in order, those of several in any; and an instant."""
    found: list[Lasting] = []
    for service in ("A", "B", "C", "D", "Pair"):
        for kind in KINDS:
            at = known = 0
            gaps = st.tuples(*[st.integers(1, 400)] * 2, *[st.integers(0, 300)] * 2)
            for gap, length, lag, end_lag in draw(st.lists(gaps, max_size=3)):
                low, high = at + gap, at + gap + length
                known = max(known, low + lag)
                end_known = max(known, high + end_lag)
                found.append((service, kind, low, high, known, end_known))
                at, known = high, end_known
    return found, draw(st.integers(-5, 2500))


@settings(max_examples=15, deadline=None)
@given(late_lives(), st.sampled_from([{"Pair": 2, "Site": 2}, {"Pair": 1, "Site": 1}, {"Pair": 1, "Site": 3}]))
@example(([at_once("A", 100, 300), at_once("B", 200, 400)], 250), {"Pair": 1, "Site": 2})
def test_deleting_the_future_changes_nothing_that_was_known_of_a_group(
    world: tuple[list[Lasting], int], needed: dict[str, int]
) -> None:
    found, cut = world
    groups = {name: (needed.get(name, 2), parts) for name, (_, parts) in GROUPS.items()}
    events = events_of(*known_of_all("A", "B", "C", "D"), *found)
    cut_us = BEGIN_US + cut * MINUTE_US
    every = group_ledger(Ledger.of(events), events, groups)
    known = events[events["recorded_at"] <= MONDAY + pd.Timedelta(minutes=cut)]
    seen = group_ledger(Ledger.of(known), known, groups)
    assert every is not None
    if seen is None:
        assert len(rows_at(every, cut_us)) == 0
        return
    now, then = rows_at(every, cut_us), rows_at(seen, cut_us)
    assert [every.names[n] for n in now.service] == [seen.names[n] for n in then.service]
    assume(len(now))
    wide, narrow = outage_columns(every, now), outage_columns(seen, then)
    np.testing.assert_array_equal(wide.rates, narrow.rates)
    np.testing.assert_array_equal(wide.values, narrow.values)


@settings(max_examples=12, deadline=None)
@given(late_lives())
def test_a_label_that_is_known_does_not_change_any_more(world: tuple[list[Lasting], int]) -> None:
    found, cut = world
    cut_us = BEGIN_US + cut * MINUTE_US
    events = events_of(*known_of_all("A", "B", "C", "D", "Z"), *found, at_once("Z", 9000, 9001))
    ledger = group_ledger(Ledger.of(events), events, GROUPS)
    known = events[events["recorded_at"] <= MONDAY + pd.Timedelta(minutes=cut)]
    seen = group_ledger(Ledger.of(known), known, GROUPS)
    assert ledger is not None
    if seen is None:
        return
    at_us = np.arange(0, max(cut, 1), 37) * MINUTE_US + BEGIN_US
    horizon_us, rows = 60 * MINUTE_US, len(at_us)
    for place, name in enumerate(seen.names):
        old = labelled(seen, np.full(rows, place), at_us, horizon_us)
        new = labelled(ledger, np.full(rows, ledger.names.index(name)), at_us, horizon_us)
        mature = new.known_us <= min(cut_us, seen.until_us)
        np.testing.assert_array_equal(old.label[mature], new.label[mature])


def test_an_outage_that_was_taken_back_is_no_outage_of_a_label():
    found = ("A", "outage", 1500, 1530, 1500, 1600), ("B", "outage", 1540, 1650, 1540, 1650)
    events = events_of(*known_of_all("A", "B", "Z"), *found, at_once("Z", 9000, 9001))
    ledger = group_ledger(Ledger.of(events, rules=CheckRules(merge_seconds=0)), events, PAIR)
    assert ledger is not None
    assert (ledger.outages.end_us == ledger.outages.begin_us).tolist() == [True]
    rows = labelled(ledger, np.zeros(1, np.int64), np.array([BEGIN_US + 1440 * MINUTE_US]), DAY_US)
    assert rows.label.tolist() == [0]


def test_that_an_outage_never_was_is_known_once_it_is_taken_back():
    found = ("A", "outage", 1500, 1530, 1500, 8700), ("B", "outage", 1540, 9500, 1540, 9500)
    events = events_of(*known_of_all("A", "B", "Z"), *found, at_once("Z", 9900, 9901))
    ledger = group_ledger(Ledger.of(events), events, PAIR)
    assert ledger is not None
    rows = labelled(ledger, np.zeros(1, np.int64), np.array([BEGIN_US + 1440 * MINUTE_US]), DAY_US)
    assert rows.label.tolist() == [0]
    assert rows.known_us.tolist() == [BEGIN_US + 8700 * MINUTE_US]
