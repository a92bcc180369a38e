"""Services made of others: when the whole was down as known at each instant, and what its parts make likely."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from features.outages.checks import CheckRules
from features.outages.columns import RULES, outage_columns
from features.outages.groups import group_ledger
from features.outages.ledger import Ledger
from features.outages.rows import labelled, outage_rows, rows_at
from features.outages.spans import spans_of
from features.outages.wholes import Groups, Whole, outages_of_whole
from features.schema import conform_service_events
from sla.instants import DAY_US, NEVER_US, SECOND_US
from tests.features.builders import MONDAY, service_events
from training.evaluation import evaluate

MINUTE_US = 60 * SECOND_US
BEGIN_US = MONDAY.value // 1000
Lasting: TypeAlias = tuple[str, str, int, int, int, int]  # service, kind, from and until which minute, known when
GROUPS: Groups = {"Pair": (1, ("A", "B")), "Site": (2, ("Pair", "C", "D")), "All": (2, ("Site", "A"))}
PAIR: Groups = {"Pair": (1, ("A", "B"))}
LENGTH = 400  # minutes
KINDS = ("outage", "maintenance")


def events_of(*found: Lasting) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for number, (service, kind, low, high, known, end_known) in enumerate(found):
        for phase, at, recorded in (("start", low, known), ("end", high, end_known)):
            rows.append(
                {
                    "event_id": f"{number} {phase}",
                    "service": service,
                    "kind": kind,
                    "phase": phase,
                    "event_at": MONDAY + pd.Timedelta(minutes=at),
                    "recorded_at": MONDAY + pd.Timedelta(minutes=recorded),
                }
            )
    return service_events(*rows)


def known_of_all(*services: str) -> list[Lasting]:
    """A short degradation of each, so that all are known of."""
    return [(name, "degradation", -10, -9, -10, -9) for name in services]


def at_once(service: str, low: int, high: int, kind: str = "outage") -> Lasting:
    return service, kind, low, high, low, high


def told_of(group: str, groups: Groups, *found: Lasting, wait: int = 0) -> list[tuple[float, float, float, float]]:
    """What is told of a group, in minutes; inf for never."""
    return all_told(groups, *found, wait=wait)[group]


def all_told(groups: Groups, *found: Lasting, wait: int) -> dict[str, list[tuple[float, float, float, float]]]:
    events = events_of(*known_of_all("A", "B", "C", "D"), *found)
    ledger = Ledger.of(events)
    place = {name: number for number, name in enumerate(ledger.names)}
    maintenance = spans_of(events, "maintenance", place)
    out = {}
    for group in groups:
        told = outages_of_whole(Whole.of(group, groups, place), ledger.outages, maintenance, wait * MINUTE_US)
        out[group] = [
            (_minute(one.begin_us), _minute(one.end_us), _minute(one.known_us), _minute(one.end_known_us))
            for one in told
        ]
    return out


def _minute(at_us: int) -> float:
    return float("inf") if at_us == NEVER_US else (at_us - BEGIN_US) / MINUTE_US


# ---- where everything is recorded when it happens, the outages are those of counting minutes


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


def test_an_end_recorded_before_its_beginning_waits_for_it():
    found = ("A", "outage", 10, 30, 50, 30), ("B", "outage", 20, 60, 20, 60)
    assert told_of("Pair", PAIR, *found) == [(20, 30, 50, 50)]


# ---- who is asked about


def test_a_group_is_asked_about_from_when_enough_parts_are_known_and_while_enough_are_watched():
    days = [("A", day) for day in range(12)] + [("B", day) for day in range(4, 24)] + [("C", day) for day in range(24)]
    frame = pd.DataFrame(days, columns=["service", "day"])
    at = (MONDAY + pd.to_timedelta(frame.pop("day"), unit="D")).astype("datetime64[us, UTC]")
    frame = frame.assign(event_at=at, recorded_at=at, kind="check", phase="point", event_id=[f"c{n}" for n in range(len(frame))])  # fmt: skip
    events = conform_service_events(frame.assign(**{"attributes.status": "up", "attributes.site": frame["service"]}))
    groups: Groups = {"Both": (2, ("A", "B")), "One": (1, ("A", "B")), "Lost": (2, ("A", "nowhere"))}
    ledger = group_ledger(Ledger.of(events), events, groups)
    assert ledger is not None
    assert ledger.names == ("Both", "One")
    rows = outage_rows(ledger)
    day = (rows.at_us - BEGIN_US) / DAY_US  # midnights; Monday begins at eight
    spans = [(round(float(day[rows.service == n].min()), 2), round(float(day[rows.service == n].max()), 2)) for n in range(2)]  # fmt: skip
    assert spans == [(5.67, 13.67), (1.67, 22.67)]


def test_a_part_that_is_not_known_yet_does_not_keep_a_group_watched():
    """A is checked for six days; of B nothing is recorded before an outage on day twenty."""
    rows = [("A", 1440 * day, "check") for day in range(6)] + [("B", 1440 * 20, "outage")]
    frame = pd.DataFrame(rows, columns=["service", "minute", "kind"])
    at = (MONDAY + pd.to_timedelta(frame.pop("minute"), unit="min")).astype("datetime64[us, UTC]")
    frame = frame.assign(event_at=at, recorded_at=at, phase="point", event_id=[f"c{n}" for n in range(len(frame))])
    frame["attributes.status"] = frame["kind"].map({"check": "up"})
    events = conform_service_events(frame)
    ledger = group_ledger(Ledger.of(events), events, PAIR)
    assert ledger is not None
    asked = [day for day in range(1, 25) if len(rows_at(ledger, BEGIN_US + day * DAY_US))]
    assert asked == [*range(1, 9), *range(21, 25)]


def test_a_group_that_is_down_is_not_asked_about():
    events = events_of(*known_of_all("A", "B"), at_once("A", 2000, 6000), at_once("B", 3000, 5000), at_once("A", 9000, 9001))  # fmt: skip
    ledger = group_ledger(Ledger.of(events), events, PAIR)
    assert ledger is not None
    asked = [len(rows_at(ledger, BEGIN_US + minute * MINUTE_US)) for minute in (2900, 3500, 4500, 5500)]
    assert asked == [1, 0, 0, 1]


# ---- what is said


def failing(days: int, *, together: bool, pairs: int = 30, seed: int = 0) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Pairs whose parts fail on about one of twenty days: on the same days, or each on its own."""
    rng = np.random.default_rng(seed)
    found, groups = [], {}
    for pair in range(pairs):
        names = f"{pair:02d} left", f"{pair:02d} right"
        groups[f"pair {pair:02d}"] = (1, names)
        found += known_of_all(*names)
        comes = rng.random((days, 1 if together else 2)) < 0.05
        start = rng.integers(60, 1300, (days, 1 if together else 2))
        for day in range(days):
            for place, name in enumerate(names):
                at = 0 if together else place
                if comes[day, at]:
                    low = day * 1440 + int(start[day, at]) + place * together * 3
                    found.append(at_once(name, low, low + 30))
    return events_of(*found), groups


@pytest.mark.parametrize("together", [True, False])
def test_a_pair_is_as_likely_to_fail_as_its_parts_do_together(together: bool) -> None:
    """Both kinds of pairs have parts that fail equally often: multiplying them would say the same of both."""
    events, groups = failing(320, together=together, pairs=60)
    services = Ledger.of(events)
    ledger = group_ledger(services, events, groups)
    assert ledger is not None
    rows = outage_rows(ledger)
    known = ~np.isnan(rows.label) & (rows.at_us > BEGIN_US + 200 * DAY_US)
    base, days = rows.label[known].mean(), (rows.at_us[known] - BEGIN_US) / DAY_US
    usual = outage_columns(services, outage_rows(services)).rates[:, 0].mean()
    assert base > 0.04 if together else base < 0.003
    # Twenty days of the rate of all services are added to what its own past says, and fade.
    expected = ((days * base + 20 * usual) / (days + 20)).mean()
    for rule, more in (("service rate", expected), ("rate x weekday", base)):
        said = outage_columns(ledger, rows).rates[known, RULES.index(rule)]
        assert said.mean() == pytest.approx(more, abs=0.006)
    rate = outage_columns(ledger, rows).rates[known, RULES.index("service rate")]
    assert evaluate(rows.label[known], rate).ece < 0.02
    parts = outage_rows(services)
    assert parts.label[~np.isnan(parts.label)].mean() == pytest.approx(0.05, abs=0.005)


def test_nothing_is_said_of_other_services_that_is_not_said_without_the_group():
    events, groups = failing(60, together=True, pairs=3)
    ledger = Ledger.of(events)
    before = outage_columns(ledger, outage_rows(ledger))
    own = events_of(("pair 00", "outage", 700, 720, 700, 720), ("pair 00", "change", 900, 901, 900, 901))
    with_own = pd.concat([events, own.assign(event_id=own["event_id"] + " own")], ignore_index=True)
    found = group_ledger(Ledger.of(with_own), with_own, groups)
    assert found is not None
    begun = found.outages.begin_us[found.outages.service == 0]
    assert begun.tolist().count(BEGIN_US + 700 * MINUTE_US) == 1
    group_ledger(ledger, events, groups)
    after = outage_columns(ledger, outage_rows(ledger))
    np.testing.assert_array_equal(before.values, after.values)


def test_outages_around_a_group_are_those_of_services_each_counted_once():
    found = [at_once(name, 2000 + 100 * number, 2300) for number, name in enumerate(("A", "B", "C"))]
    events = events_of(*known_of_all("A", "B", "C"), *found)
    ledger = group_ledger(Ledger.of(events), events, PAIR)
    assert ledger is not None
    columns = outage_columns(ledger, rows_at(ledger, BEGIN_US + 5000 * MINUTE_US))
    assert np.expm1(columns.values[0, columns.names.index("outages around in 7 days")]) == pytest.approx(3)
    assert np.expm1(columns.values[0, columns.names.index("outages in 7 days")]) == pytest.approx(1)


def test_what_is_usual_for_all_services_is_that_of_services_not_of_groups():
    """A group of which little is known leans on the rate of all services, whatever the groups are."""
    events, groups = failing(60, together=True, pairs=6)
    ledger = Ledger.of(events)
    few, many = (group_ledger(ledger, events, dict(list(groups.items())[:count])) for count in (1, 6))
    assert few is not None
    assert many is not None
    at_us = (MONDAY.normalize() + timedelta(days=40)).value // 1000
    one, all_of_them = (outage_columns(found, rows_at(found, at_us)) for found in (few, many))
    np.testing.assert_array_equal(one.rates[0], all_of_them.rates[0])
    np.testing.assert_array_equal(one.values[0], all_of_them.values[0])
