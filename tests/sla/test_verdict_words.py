"""Explanations, what-ifs and costs of single tickets."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from sla.agreements.credits import penalty_of, service_credit_percent
from sla.agreements.loading import parse_agreements
from sla.agreements.targets import Penalty, ServiceCredit
from sla.clocks.explanation import explain_text
from sla.clocks.ticket_clocks import replay_ticket
from sla.clocks.what_if import Supposition, what_if
from sla.events import TicketEvent
from sla.instants import SECOND_US, to_us

HOUR_US = 3600 * SECOND_US
TEXT = """\
slacast: 1
calendars:
  office: {time_zone: Europe/Berlin, hours: {mon-fri: [["08:30", "18:00"]]}, holidays: {country: DE}}
  always: {time_zone: UTC, always_open: true}
agreements:
  - name: desk
    version: old
    valid_until: 2023-12-31
    calendar: office
    targets: [{metric: resolution, goals: [{within: 40 h}]}]
  - name: desk
    version: new
    valid_from: 2024-01-01
    owner: Ann
    calendar: office
    targets:
      - metric: resolution
        pause: {status: waiting, waiting_on: customer}
        warnings: [75%]
        goals: [{applies_to: {priority: 1}, within: 4 h}, {default: true, within: 16 h 20 min}]
"""
AGREEMENTS = parse_agreements(TEXT)
# Maundy Thursday to the Tuesday after Easter 2024.
EVENTS = [
    TicketEvent(
        "INC1",
        "1",
        to_us(datetime(2024, 3, 28, 7, 30, tzinfo=UTC)),
        0,
        {"kind": "created", "status": "open", "priority": "3"},
    ),
    TicketEvent(
        "INC1",
        "2",
        to_us(datetime(2024, 3, 28, 12, 0, tzinfo=UTC)),
        0,
        {"kind": "status", "status": "waiting", "waiting_on": "customer"},
    ),
    TicketEvent("INC1", "3", to_us(datetime(2024, 3, 28, 14, 10, tzinfo=UTC)), 0, {"kind": "status", "status": "open"}),
]
AT = datetime(2024, 4, 2, 9, 0, tzinfo=UTC)


def test_the_trace_can_be_followed_by_hand():
    (verdict,) = replay_ticket(EVENTS, AGREEMENTS, AT)
    assert [step.text for step in verdict.trace] == [
        "Thu 28 Mar 08:30-13:00: 4 h 30 min ran",
        "Thu 28 Mar 13:00-15:10: paused 2 h 10 min waiting on customer",
        "Thu 28 Mar 15:10-18:00: 2 h 50 min ran",
        "Fri 29 Mar: Good Friday, closed",
        "Mon 1 Apr: Easter Monday, closed",
        "Tue 2 Apr 08:30-11:00: 2 h 30 min ran",
        "due Tue 2 Apr 17:30",
    ]


def test_a_long_stretch_is_told_by_its_first_day_what_was_alike_and_its_last_day():
    closed = TEXT.replace(
        "holidays: {country: DE}", "closed: {from: 2024-04-03, until: 2024-04-05, name: moving house}"
    )
    (verdict,) = replay_ticket(EVENTS[:1], parse_agreements(closed), datetime(2024, 4, 16, 8, 0, tzinfo=UTC))
    assert [step.text for step in verdict.trace] == [
        "Thu 28 Mar 08:30-18:00: 9 h 30 min ran",
        "Fri 29 Mar 08:30 - Mon 15 Apr 18:00: 85 h 30 min ran on 9 working days",
        "due Fri 29 Mar 15:20",
        "Wed 3 Apr - Fri 5 Apr: moving house, closed",
        "Tue 16 Apr 08:30-10:00: 1 h 30 min ran",
    ]
    assert sum(step.worked_seconds for step in verdict.trace) == verdict.elapsed_seconds


def test_a_clock_that_stands_says_since_when_and_until_when_if_it_went_on():
    def at(day: int, hour: int) -> int:
        return to_us(datetime(2024, 4, day, hour, tzinfo=UTC))

    events = [
        TicketEvent("INC1", "1", at(8, 8), 0, {"kind": "created", "status": "open"}),
        TicketEvent("INC1", "2", at(8, 9), 0, {"kind": "status", "status": "resolved"}),
        TicketEvent("INC1", "3", at(8, 11), 0, {"kind": "status", "status": "open"}),
        TicketEvent("INC1", "4", at(8, 12), 0, {"kind": "status", "status": "resolved"}),
    ]
    (verdict,) = replay_ticket(events, AGREEMENTS, datetime(2024, 4, 10, tzinfo=UTC))
    assert [step.text for step in verdict.trace] == [
        "Mon 8 Apr 10:00-11:00: 1 h ran",
        "Mon 8 Apr 11:00-13:00: stopped, resolved",
        "Mon 8 Apr 13:00-14:00: 1 h ran",
        "Mon 8 Apr 14:00: stopped, resolved",
        "would have been due Wed 10 Apr 09:20",
    ]


def test_the_explanation_names_the_rule_its_reason_and_the_policies():
    (verdict,) = replay_ticket(EVENTS, AGREEMENTS, AT)
    text = explain_text(verdict)
    assert text.splitlines()[0] == "INC1  resolution: running, 6 h 30 min left, due Tue 2 Apr 2024 17:30 CEST"
    for words in (
        "SLA desk (version new), answered for by Ann",
        "rule: desk, resolution, default: within 16 h 20 min",
        "priority_change=recompute",
        "75 % falls Tue 2 Apr 2024 13:25 CEST",
    ):
        assert words in text


def test_a_verdict_is_plain_values_in_json():
    (verdict,) = replay_ticket(EVENTS, AGREEMENTS, AT)
    values = json.loads(json.dumps(verdict.to_dict()))
    assert (values["state"], values["due_at"], values["is_breached"]) == ("running", "2024-04-02T15:30:00+00:00", False)
    assert values["trace"][1]["worked_seconds"] == 7800.0
    assert values["remaining_wall_seconds"] == 6.5 * 3600


def test_a_ticket_without_events_has_no_verdict_and_says_so():
    (verdict,) = replay_ticket([], AGREEMENTS, AT)
    assert (verdict.state.words, verdict.why) == ("not started", "nothing is known of the ticket")
    assert explain_text(verdict)


def test_events_of_two_tickets_are_refused():
    with pytest.raises(ValueError, match="one ticket at a time"):
        replay_ticket([EVENTS[0], TicketEvent("INC2", "1", 0, 0, {})], AGREEMENTS, AT)


def test_an_unknown_target_is_refused_with_those_there_are():
    with pytest.raises(KeyError, match="there are: resolution"):
        replay_ticket(EVENTS, AGREEMENTS, AT, targets=["resolutoin"])


# ---- what if


def supposed(**parts: object) -> tuple[str, float | None]:
    ((comparison),) = what_if(EVENTS, AGREEMENTS, AT, Supposition(**parts))  # type: ignore[arg-type]
    assert comparison.actual.state.words == "running"
    return comparison.supposed.state.words, comparison.supposed.remaining_seconds


def test_another_priority_from_the_opening_on():
    assert supposed(attributes={"priority": "1"}) == ("breached", -5 * 3600 - 50 * 60)


def test_another_priority_from_an_instant_on_is_judged_by_the_policy():
    assert supposed(attributes={"priority": "1"}, since=AT) == ("breached", -5 * 3600 - 50 * 60)


def test_another_version_of_the_agreement():
    assert supposed(versions={"desk": "old"})[1] == (40 - 12) * 3600


def test_another_calendar():
    state, left = supposed(calendars={"office": "always"})
    assert (state, left) == ("breached", -(123 * 3600 + 30 * 60 - 2 * 3600 - 10 * 60 - 16 * 3600 - 20 * 60) + 2 * 3600)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"versions": {"desk": "newest"}}, 'no version "newest", did you mean "new"'),
        ({"versions": {"dek": "new"}}, 'did you mean "desk"'),
        ({"calendars": {"office": "allways"}}, 'did you mean "always"'),
    ],
)
def test_supposing_what_is_not_there_is_refused(parts: dict[str, object], words: str):
    with pytest.raises(ValueError, match=words):
        supposed(**parts)


# ---- costs


@pytest.mark.parametrize(
    ("overdue_us", "owed"), [(-1, 0), (0, 0), (1, 120), (HOUR_US, 120), (HOUR_US + 1, 140), (99 * HOUR_US, 150)]
)
def test_a_penalty_counts_started_hours_up_to_its_cap(overdue_us: int, owed: float):
    assert penalty_of(Penalty(per_breach=100, per_started_hour=20, cap=150), overdue_us) == owed


@pytest.mark.parametrize(
    ("met", "breached", "percent"), [(0, 0, 0), (95, 5, 0), (949, 51, 2), (899, 101, 5), (0, 1, 5)]
)
def test_a_service_credit_compares_exact_shares(met: int, breached: int, percent: float):
    agreed = [ServiceCredit(below_percent=95, credit_percent=2), ServiceCredit(below_percent=90, credit_percent=5)]
    assert service_credit_percent(agreed, met, breached) == percent
