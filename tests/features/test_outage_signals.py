"""Columns of what surrounds a service, against plain loops over its records, and without the future."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.outages import tickets as tickets_module
from features.outages.columns import column_names, outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import OutageRows, labelled, rows_at
from features.outages.similar import MOST_A_DAY, SimilarWindows
from features.outages.tickets import service_tickets
from features.schema import conform_service_events, conform_ticket_events
from sla.agreements.loading import parse_agreements
from sla.events import EventLog
from sla.instants import DAY_US
from tests.features.slow_outages import Happening, Sample, SlowWorld, Told

BEGIN = pd.Timestamp("2026-02-02", tz="UTC")
BEGIN_US = BEGIN.value // 1000
HOUR_US = DAY_US // 24
DAYS = 40
NAMES = ("mail", "vpn", "wiki")
AGREEMENTS = parse_agreements(
    """
slacast: 1
calendars: {always: {time_zone: UTC, always_open: true}}
agreements:
  - name: desk
    owner: someone
    calendar: always
    targets:
      - metric: resolution
        goals: [{applies_to: {priority: top}, within: 1 h}, {default: true, within: 8 h}]
""",
    source="test",
)


def _instants(frame: pd.DataFrame) -> pd.DataFrame:
    for name in ("event_at", "recorded_at"):
        frame[name] = pd.Series((frame[name].to_numpy(np.int64)).view("datetime64[us]")).dt.tz_localize("UTC")
    return frame


def random_services(seed: int) -> pd.DataFrame:
    """Outages, changes (some announced), alerts (some acted on) and checks of three services, many recorded late."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []

    def add(kind: str, phase: str, at_us: int, late_us: int, **values: object) -> None:
        service = values.pop("service")
        rows.append(
            {"service": service, "kind": kind, "phase": phase, "event_at": at_us, "recorded_at": at_us + late_us, "event_id": f"e{len(rows)}", **values}
        )  # fmt: skip

    for name, outages in zip(NAMES, (4, 14, 2), strict=True):
        for _ in range(outages):
            at_us = BEGIN_US + int(rng.integers(DAYS * 1440)) * 60_000_000
            late_us = int(rng.choice([0, 0, 3 * HOUR_US, 3 * DAY_US]))
            add("outage", "start", at_us, late_us, service=name)
            add(
                "outage", "end", at_us + HOUR_US, late_us + int(rng.choice([0, 2 * DAY_US], p=[0.9, 0.1])), service=name
            )
        for _ in range(6):
            at_us = BEGIN_US + int(rng.integers(DAYS * 24)) * HOUR_US
            add("change", "point", at_us, int(rng.choice([0, -20 * HOUR_US, -3 * DAY_US])), service=name)
            acted = {"attributes.acted_on": "yes"} if rng.random() < 0.4 else {}
            add("alert", "point", at_us, int(rng.choice([0, 2 * DAY_US])), service=name, **acted)
        for number in range(DAYS * 16 if name != "wiki" else 0):  # four in the ninety minutes before each six hours
            slow = rng.random() < 0.1
            word = {"attributes.status": "down" if rng.random() < 0.03 else "up"}
            at_us = BEGIN_US + number // 4 * 6 * HOUR_US - int(rng.integers(1, 90)) * 60_000_000
            add("check", "point", at_us, 0, service=name, value=float(rng.uniform(200, 400) if slow else 100.0), **word)
    return conform_service_events(_instants(pd.DataFrame(rows)))


def random_tickets(seed: int) -> pd.DataFrame:
    """Tickets that are opened, made urgent, moved between services, solved and reopened, some records late."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    for number in range(150):
        at_us = BEGIN_US + int(rng.integers(DAYS * 24)) * HOUR_US
        first = {
            "kind": "created",
            "status": "new",
            "priority": rng.choice(["top", "low"]),
            "service": rng.choice([*NAMES, ""]),
        }
        for step in range(int(rng.integers(1, 6))):
            change = {
                0: {"kind": "status", "status": str(rng.choice(["open", "resolved", "closed", "waiting"]))},
                1: {"kind": "priority", "priority": str(rng.choice(["top", "low"]))},
                2: {"kind": "updated", "service": str(rng.choice(NAMES))},
            }[int(rng.integers(3))]
            late_us = int(rng.choice([0, 0, 0, 30 * HOUR_US]))
            rows.append(
                {"ticket_id": f"t{number}", "event_id": f"{number}/{step}", "event_at": at_us, "recorded_at": at_us + late_us}
                | (first if step == 0 else change)
            )  # fmt: skip
            at_us += int(rng.integers(1, 40)) * HOUR_US
    return conform_ticket_events(_instants(pd.DataFrame(rows)))


def slow_told(events: pd.DataFrame) -> list[Told]:
    """What tickets tell, ticket by ticket and record by record: the state is that of the latest event that had arrived."""
    found: list[Told] = []
    for _, ticket in events.groupby("ticket_id"):
        known = sorted(
            ((max(row.event_at, row.recorded_at), row.event_at, row.event_id, row) for row in ticket.itertuples()),
            key=lambda one: one[:3],
        )
        was_open, was_major, is_first = False, False, True
        for place, (known_at, _, _, row) in enumerate(known):
            state: dict[str, str] = {}
            for _, _, _, arrived in sorted(known[: place + 1], key=lambda one: one[1:3]):
                for name in ("status", "priority", "service"):
                    value = getattr(arrived, name)
                    state |= {name: value} if isinstance(value, str) else {}
            is_open = state.get("status") not in ("resolved", "closed", "cancelled")
            is_major = is_open and state.get("priority") == "top"
            at_us = known_at.value // 1000
            service = state.get("service", "")
            if service:
                found += [Told("created", service, at_us)] * (row.kind == "created")
                found += [Told("reopened", service, at_us)] * (is_open and not was_open and not is_first)
                found += [Told("major", service, at_us)] * (is_major and not was_major)
            was_open, was_major, is_first = is_open, is_major, False
    return found


def slow_world(events: pd.DataFrame, tickets: pd.DataFrame, ledger: Ledger) -> SlowWorld:
    at_us = {
        name: events[name].to_numpy("datetime64[us]").view("int64").tolist() for name in ("event_at", "recorded_at")
    }
    rows = list(events.assign(**at_us).rename(columns=lambda name: name.replace("attributes.", "")).itertuples())
    samples = [
        Sample(row.service, row.recorded_at, row.status == "down" if isinstance(row.status, str) else None, row.value)
        for row in rows
        if row.kind in ("check", "latency")
    ]
    happenings = [
        Happening(row.kind, row.service, row.event_at, row.recorded_at, row.acted_on == "yes")
        for row in rows
        if row.kind in ("change", "alert")
    ]
    return SlowWorld(ledger, samples, slow_told(tickets), happenings)


def asked(ledger: Ledger, seed: int) -> OutageRows:
    """Random services and instants to the second, many of them midnights."""
    rng = np.random.default_rng(seed)
    n = 60
    at_us = BEGIN_US + rng.integers(5 * 24, DAYS * 24, n) // 6 * 6 * HOUR_US
    at_us[::3] += rng.integers(3600, size=len(at_us[::3])) * 1_000_000
    return OutageRows(rng.integers(0, len(ledger.names), n), at_us, np.full(n, np.nan), at_us)


@pytest.mark.parametrize("seed", [1, 2])
def test_columns_agree_with_plain_loops(seed: int) -> None:
    events, tickets = random_services(seed), random_tickets(seed)
    ledger = Ledger.of(events, service_tickets(tickets, AGREEMENTS))
    rows, slow = asked(ledger, seed), slow_world(events, tickets, ledger)
    columns = outage_columns(ledger, rows)
    found = dict(zip(columns.names, columns.values.T, strict=True))
    count, share = found["similar days"], found["log odds by similar days"]
    for row, (place, at_us) in enumerate(zip(rows.service, rows.at_us.tolist(), strict=True)):
        name = ledger.names[place]
        for word, minutes in (("15 minutes", 15), ("60 minutes", 60), ("6 hours", 360)):
            failed, latency = slow.trends(name, at_us, minutes)
            assert found[f"failed checks of {word} against the day"][row] == pytest.approx(failed, abs=1e-9)
            assert found[f"latency of {word} against the day"][row] == pytest.approx(latency, abs=1e-9)
        assert found["share of failed checks in 1 days"][row] == pytest.approx(slow.shares(name, at_us, 1440))
        assert found["latency in 1 days"][row] == pytest.approx(slow.latency(name, at_us, 1440), abs=1e-9)
        for days in (1, 7):
            for words, kind in (("major incidents in", "major"), ("tickets reopened in", "reopened")):
                expected = np.log1p(slow.tickets(kind, name, at_us, days))
                assert found[f"{words} {days} days"][row] == pytest.approx(expected)
        expected_share, expected_count = slow.similar(name, at_us)
        assert np.expm1(count[row]) == pytest.approx(expected_count)
        assert share[row] == pytest.approx(np.log(expected_share / (1 - expected_share)))
    assert np.expm1(count).max() > 3
    assert len(np.unique(share)) > 20
    for what in ("failed checks", "latency"):
        assert all(found[f"{what} of {word} against the day"].any() for word in ("60 minutes", "6 hours"))
    assert all(found[f"{word} in 7 days"].any() for word in ("major incidents", "tickets reopened"))


@pytest.mark.parametrize("seed", [3, 4])
def test_deleting_what_is_recorded_later_changes_no_column(seed: int) -> None:
    events, tickets = random_services(seed), random_tickets(seed)
    whole = Ledger.of(events, service_tickets(tickets, AGREEMENTS))
    for hour in (20 * 24, 27 * 24 + 7, 33 * 24):
        cut = BEGIN + pd.Timedelta(hours=hour)
        cut_us = cut.value // 1000
        some = tickets[tickets["recorded_at"] < cut]
        known = Ledger.of(events[events["recorded_at"] < cut], service_tickets(some, AGREEMENTS))
        now, then = rows_at(whole, cut_us), rows_at(known, cut_us)
        assert [whole.names[place] for place in now.service] == [known.names[place] for place in then.service]
        one, other = outage_columns(whole, now), outage_columns(known, then)
        np.testing.assert_array_equal(one.values, other.values)
        np.testing.assert_array_equal(one.rates, other.rates)


def test_the_order_of_records_changes_nothing() -> None:
    events, tickets = random_services(5), random_tickets(5)
    one = Ledger.of(events, service_tickets(tickets, AGREEMENTS))
    other = Ledger.of(
        events.sample(frac=1, random_state=1, ignore_index=True),
        service_tickets(tickets.sample(frac=1, random_state=2, ignore_index=True), AGREEMENTS),
    )
    rows = asked(one, 5)
    np.testing.assert_array_equal(outage_columns(one, rows).values, outage_columns(other, rows).values)


def test_every_column_has_a_name_of_its_own() -> None:
    names = column_names()
    assert len(set(names)) == len(names)
    ledger = Ledger.of(random_services(1))
    assert outage_columns(ledger, asked(ledger, 1)).names == names


def test_without_agreements_no_priority_makes_a_major_incident_but_tickets_are_reopened() -> None:
    told = service_tickets(random_tickets(1), None)
    assert set(told["kind"]) == {"created", "reopened"}
    assert service_tickets(random_tickets(1).iloc[:0], AGREEMENTS).empty


def test_tickets_looked_through_one_by_one_tell_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = service_tickets(random_tickets(1), AGREEMENTS)
    assert set(whole["kind"]) == {"created", "reopened", "major"}
    blocks: list[int] = []

    def counted(log: EventLog, majors: tuple[str, ...]) -> list[Any]:
        blocks.append(len(log.ticket_ids))
        return told(log, majors)

    told = tickets_module._told
    monkeypatch.setattr(tickets_module, "_told", counted)
    monkeypatch.setattr(tickets_module, "BLOCK_ROWS", 1)
    alone = service_tickets(random_tickets(1), AGREEMENTS)
    assert len(blocks) > 9
    assert set(blocks) == {1}
    key = {"by": list(whole.columns), "ignore_index": True}
    pd.testing.assert_frame_equal(alone.sort_values(**key), whole.sort_values(**key))  # type: ignore[call-overload]


def test_of_very_many_services_each_day_is_remembered_of_some_and_each_service_in_turn() -> None:
    count = 2 * MOST_A_DAY + 1
    at_us = np.full(count, BEGIN_US)
    frame = pd.DataFrame({"service": [f"s{n:04d}" for n in range(count)], "event_at": at_us, "recorded_at": at_us})
    frame = frame.assign(kind="change", phase="point", event_id=[f"e{n}" for n in range(count)])
    ledger = Ledger.of(conform_service_events(_instants(frame)))
    found = SimilarWindows.upto(ledger, DAY_US, BEGIN_US + 8 * DAY_US)
    _, days = found.seen(ledger, np.array([0]), np.array([BEGIN_US + 8 * DAY_US]))
    alike = 4  # the third to the sixth: a day after the first record the change still tells, later ones are not over
    assert days[0] == pytest.approx(count * alike / 3, rel=0.02)


def test_a_label_waits_for_the_record_that_an_outage_before_was_over() -> None:
    """Known late, begun on the first day and over the same day: until its end is recorded nobody knows that it was over."""
    day = lambda number: BEGIN_US + int(number * DAY_US)  # noqa: E731 (a formula)
    rows = [
        ("change", "point", day(-3), day(-3)),
        ("outage", "start", day(0.2), day(4)),
        ("outage", "end", day(0.4), day(9)),
        ("change", "point", day(30), day(30)),
    ]
    frame = pd.DataFrame(rows, columns=["kind", "phase", "event_at", "recorded_at"])
    frame = frame.assign(service="mail", event_id=[f"e{n}" for n in range(len(frame))])
    ledger = Ledger.of(conform_service_events(_instants(frame)))
    found = labelled(ledger, np.zeros(1, np.int64), np.array([day(1)]), DAY_US)
    assert (found.label[0], found.known_us[0]) == (0, day(9))
