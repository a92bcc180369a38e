"""Services made of others: availability, budget, burn and outages of the whole, against counting minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from features.store.access_keys import AccessKey
from serving.access.roles import Role
from serving.app import application
from serving.service import Service
from serving.services.making import Answering, Basis, make_basis
from serving.services.service_file import service_file
from sla.agreements.loading import parse_agreements
from tests.serving import service_builders
from tests.serving.real_desk import AT as DESK_AT
from tests.serving.service_builders import frame, happened
from tests.serving.stored_desk import HASHES, HOST, TOKENS

AT = datetime(2026, 3, 30, 12, tzinfo=UTC)  # a Monday, after the night in which clocks change in Berlin
DAYS = 3
MINUTES = DAYS * 24 * 60
BEGIN = AT - timedelta(days=DAYS)
UP, SLOW, PLANNED, UNKNOWN, DOWN = range(5)
STATES = {"degradation": SLOW, "outage": DOWN}
LEAVES, GROUPS = ("A", "B", "C", "D"), ("Lines", "Site", "All")
Spans: TypeAlias = dict[
    str, dict[str, list[tuple[int, int]]]
]  # of each service, by kind: from which minute until which

CATALOGUE = """\
slacast: 1
calendars:
  office: {time_zone: Europe/Berlin, hours: {daily: [["08:00", "18:00"]]}}
services:
  A: {}
  B: {}
  C: {depends_on: [D]}
  D: {}
%s
agreements:
  - {name: Desk, calendar: office, targets: [{metric: resolution, goals: [{default: true, within: 8 h}]}]}
"""


def catalogue(**made_of: str) -> Any:
    lines = [
        f"  {name}: {{availability_percent: 99, availability_days: {DAYS}, {written}}}"
        for name, written in made_of.items()
    ]
    return parse_agreements(CATALOGUE % "\n".join(lines))


def basis(agreements: Any, spans: Spans) -> Basis:
    rows = []
    for service, by_kind in spans.items():
        for kind, found in by_kind.items():
            for low, high in found:
                rows += happened(service, kind, BEGIN + timedelta(minutes=low), high - low)
    return make_basis(frame(rows), None, agreements, AT, Answering())


# ---- the slow, obvious way


def minutes_of(by_kind: dict[str, list[tuple[int, int]]]) -> list[int]:
    """The state of a service in each minute, by its own records alone."""
    begins = [low for found in by_kind.values() for low, _ in found]
    states = [UNKNOWN if not begins or minute < min(begins) else UP for minute in range(MINUTES)]
    for kind in ("degradation", "outage"):
        for low, high in by_kind.get(kind, ()):
            for minute in range(low, high):
                states[minute] = STATES[kind]
    for low, high in by_kind.get("maintenance", ()):
        for minute in range(low, high):
            states[minute] = PLANNED
    return states


def whole_of(needed: int, parts: list[list[int]], own: list[int] | None) -> list[int]:
    states = []
    for minute in range(MINUTES):
        best_first = sorted(part[minute] for part in parts)
        by_itself = own[minute] if own is not None and own[minute] != UNKNOWN else UP
        states.append(max(best_first[needed - 1], by_itself))
    return states


def is_in_hours(minute: int, hours: str | None) -> bool:
    local = (BEGIN + timedelta(minutes=minute)).astimezone(ZoneInfo("Europe/Berlin"))
    return hours is None or 8 <= local.hour < 18


@st.composite
def lives(draw: st.DrawFn) -> Spans:
    """Records of every leaf, sometimes of a group itself; those of one kind and service do not touch each other."""
    spans: Spans = {}
    for service in (*LEAVES, "Lines"):
        for kind in ("outage", "degradation", "maintenance"):
            lengths = draw(st.lists(st.tuples(st.integers(1, 900), st.integers(1, 900)), max_size=4))
            at = 0
            for gap, length in lengths:
                if at + gap + length < MINUTES:
                    spans.setdefault(service, {}).setdefault(kind, []).append((at + gap, at + gap + length))
                    at += gap + length
    return spans or {"A": {"outage": [(60, 120)]}}


@settings(max_examples=25, deadline=None)
@given(lives(), st.integers(1, 3), st.sampled_from(["any_of", "all_of"]), st.sampled_from([None, "office"]))
def test_groups_of_groups_are_measured_as_counting_minutes_does(
    spans: Spans, needed: int, way: str, hours: str | None
) -> None:
    within = "" if hours is None else f"hours: {hours}, "
    agreements = catalogue(
        Lines=f"{within}made_of: {{{way}: [A, B]}}",
        Site=f"{within}made_of: {{some_of: [Lines, C, D], needed: {needed}}}",
        All=f"{within}made_of: {{all_of: [Site, A]}}",
    )
    found = basis(agreements, spans)
    states = {name: minutes_of(spans.get(name, {})) for name in LEAVES}
    own = minutes_of(spans["Lines"]) if "Lines" in spans else None
    states["Lines"] = whole_of(1 if way == "any_of" else 2, [states["A"], states["B"]], own)
    states["Site"] = whole_of(needed, [states["Lines"], states["C"], states["D"]], None)
    states["All"] = whole_of(2, [states["Site"], states["A"]], None)
    for name in GROUPS:
        seen = [state for minute, state in enumerate(states[name]) if is_in_hours(minute, hours)]
        measured, lost = len(seen) - seen.count(UNKNOWN), seen.count(DOWN)
        standing = found.board.by_name[name]
        assert standing.availability == (pytest.approx(1 - lost / measured) if measured else None)
        assert (standing.budget is None) == (measured == 0)
        if standing.budget is not None:
            assert standing.budget.lost_seconds == 60 * lost
            assert standing.budget.remaining_share == pytest.approx(1 - lost / (0.01 * measured), abs=1e-9)
        begun = [m for m in range(1, MINUTES) if states[name][m] == DOWN != states[name][m - 1]]
        file = service_file(found, name)
        assert file is not None
        told = [one.start_at for one in reversed(file.happenings) if one.kind == "outage"]
        assert told == [BEGIN + timedelta(minutes=minute) for minute in begun]
        assert (standing.state == "down") == (states[name][-1] == DOWN)


# ---- what is said of a group


REDUNDANT: Spans = {
    "A": {"outage": [(100, 200), (MINUTES - 90, MINUTES + 60)]},
    "B": {"outage": [(150, 260), (MINUTES - 30, MINUTES + 60)]},
    "D": {"outage": [(50, 60)]},
    "C": {"outage": [(10, 20)]},
}


def test_any_of_two_is_down_while_both_are_and_the_budget_burns() -> None:
    found = basis(catalogue(Lines="made_of: {any_of: [A, B]}"), REDUNDANT)
    lines = found.board.by_name["Lines"]
    assert (lines.state, lines.state_since) == ("down", AT - timedelta(minutes=30))
    assert lines.made_of is not None
    assert (lines.made_of.needed, lines.made_of.parts, lines.made_of.down) == (1, ("A", "B"), ("A", "B"))
    assert (lines.last_outage_at, lines.last_outage_ended_at) == (AT - timedelta(minutes=30), None)
    assert lines.budget is not None
    assert lines.budget.lost_seconds == (50 + 30) * 60
    assert lines.budget.firing[0].severity == "page"
    assert lines.budget.firing[0].short_rate == pytest.approx(1 / 0.01)
    assert found.board.by_name["A"].needed_by == ("Lines",)


def test_a_groups_outage_is_known_when_the_last_part_is() -> None:
    rows = happened("A", "outage", BEGIN + timedelta(hours=1), 60)
    rows += happened("B", "outage", BEGIN + timedelta(hours=1), 60, recorded_at=BEGIN + timedelta(hours=5))
    rows += happened("Lines", "outage", BEGIN + timedelta(hours=9), 60)
    found = make_basis(frame(rows), None, catalogue(Lines="made_of: {any_of: [A, B]}"), AT, Answering())
    file = service_file(found, "Lines")
    assert file is not None
    outages = [(one.start_at, one.known_at) for one in reversed(file.happenings)]
    ninth = BEGIN + timedelta(hours=9)
    assert outages == [(BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=5)), (ninth, ninth)]


def test_the_risk_of_a_group_is_that_of_the_whole_and_not_asked_while_it_is_down() -> None:
    """A and B fail every third day, but never together: of two lines of which one is enough hardly anything is to come."""
    rows = []
    for day in range(90):
        start_at = AT - timedelta(days=90 - day)
        rows += happened("A", "outage", start_at, 30) if day % 3 == 0 else []
        rows += happened("B", "outage", start_at, 30) if day % 3 == 1 else []
    made = {"Lines": "made_of: {any_of: [A, B]}", "Both": "made_of: {all_of: [A, B]}"}
    one_down = happened("B", "outage", AT - timedelta(minutes=5))  # not told yet of the whole, and down all the same
    board = make_basis(frame(rows + one_down), None, catalogue(**made), AT, Answering()).board
    lines, both, a = (board.by_name[name] for name in ("Lines", "Both", "A"))
    assert both.risk is None
    assert both.why_no_risk == "it is down: a new outage is not asked about"
    assert lines.risk is not None
    assert a.risk is not None
    assert lines.risk.usual < 0.1 < a.risk.usual
    assert "of 100 such days saw an outage" in lines.risk.words
    up = make_basis(frame(rows), None, catalogue(**made), AT, Answering()).board
    whole, part = up.by_name["Both"].risk, up.by_name["A"].risk
    assert whole is not None
    assert part is not None
    assert whole.usual > 1.5 * part.usual
    assert whole.outages_7_days > part.outages_7_days


def test_a_group_is_not_rated_while_too_few_of_its_parts_are_known() -> None:
    rows = happened("A", "outage", BEGIN, 30) + happened("Lines", "outage", BEGIN, 60)
    found = make_basis(frame(rows), None, catalogue(Lines="made_of: {all_of: [A, B]}"), AT, Answering())
    lines = found.board.by_name["Lines"]
    assert lines.risk is None
    assert "too few of its parts" in str(lines.why_no_risk)
    nothing = make_basis(frame(rows), None, catalogue(Pair="made_of: {all_of: [C, D]}"), AT, Answering())
    assert "nothing is recorded" in str(nothing.board.by_name["Pair"].why_no_risk)


def test_with_its_needs_a_group_counts_what_its_parts_need() -> None:
    found = basis(catalogue(Pair="made_of: {any_of: [B, C]}"), {**REDUNDANT, "D": {"outage": [(150, 170)]}})
    file = service_file(found, "Pair")
    assert file is not None
    # C needs D: while B and D are down the pair is, though C is not; before minute 150 nothing is known of B and D.
    assert file.standing.availability == 1
    assert file.whole_availability == pytest.approx(1 - 20 / (MINUTES - 150), rel=1e-12)


def test_only_work_that_takes_the_whole_is_announced_for_it() -> None:
    def announced(*services: str) -> list[dict[str, Any]]:
        known = {"recorded_at": AT - timedelta(hours=1)}
        return [row for name in services for row in happened(name, "maintenance", AT + timedelta(hours=2), 60, **known)]

    agreements = catalogue(Lines="made_of: {any_of: [A, B]}")
    seen = [row for name in ("A", "B") for row in happened(name, "degradation", BEGIN, 5)]
    one = make_basis(frame(seen + announced("A")), None, agreements, AT, Answering())
    both = make_basis(frame(seen + announced("A", "B")), None, agreements, AT, Answering())
    assert one.board.by_name["Lines"].planned == ()
    (planned,) = both.board.by_name["Lines"].planned
    assert (planned.kind, planned.start_at) == ("maintenance", AT + timedelta(hours=2))


# ---- over the wire


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    group = "  Pair: {availability_percent: 99, made_of: {any_of: [Mail, Network]}}\nagreements:"
    monkeypatch.setattr(service_builders, "CATALOGUE", service_builders.CATALOGUE.replace("agreements:", group))
    found = service_builders.built(tmp_path, service_builders.year_of_services())
    yield found
    found.close()


def test_a_group_and_its_parts_are_told_by_the_api_and_the_page(service: Service) -> None:
    client = TestClient(application(service), base_url=HOST, client=("127.0.0.1", 50000))
    row = client.get("/api/v1/services/Pair").json()["service"]
    assert row["made_of"] == {"needed": 1, "of": 2, "parts": ["Mail", "Network"], "down": ["Network"]}
    # Mail was down from 50 to 30 minutes ago, Network is for 40: ten minutes together.
    assert (row["state"], row["budget"]["lost_seconds"], row["outages"]) == ("available", 600, 1)
    assert 0 < row["risk"]["probability"] < 0.05
    assert row["why_no_risk"] is None
    assert client.get("/api/v1/services/Mail").json()["service"]["made_of"] is None
    page = client.get("/services/Pair").text
    assert "1 of 2 must work" in page
    assert 'href="/services/Mail" id="part-1"' in page
    assert "such days saw an outage" in page


def test_a_key_limited_to_services_learns_no_name_of_other_parts(service: Service) -> None:
    key = {"prefix": TOKENS[Role.READER].prefix, "hashed": HASHES[Role.READER], "name": "pair", "role": "reader"}
    scope = {"services": ("Pair", "Mail")}
    service.written().access_keys.add(AccessKey(**key, created_at=DESK_AT, created_by="test", **scope))
    headers = {"Authorization": f"Bearer {TOKENS[Role.READER].text}"}
    client = TestClient(application(service), base_url=HOST, client=("127.0.0.1", 50000), headers=headers)
    answer = client.get("/api/v1/services/Pair")
    assert answer.json()["service"]["made_of"] == {"needed": 1, "of": 2, "parts": ["Mail"], "down": []}
    page = client.get("/services/Pair").text
    assert "1 of 2 must work" in page
    assert "Network" not in answer.text + page
