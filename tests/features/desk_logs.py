"""Small random desk logs for the proofs: few tickets, few teams, minutes as the unit, late records, ties, cleared fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from features.declaration import FIRST_TEAM, Settings
from features.families import declared
from features.histories import Histories
from features.schema import PHASES, conform_service_events, conform_ticket_events
from features.selection import FAMILIES
from features.service_histories import COUNTED
from features.spec import FeatureSpec
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import parse_agreements

START = pd.Timestamp("2024-03-29T06:00Z")  # a Friday; the night to Sunday has a change of clocks
MINUTES = 3 * 24 * 60 + 600

AGREEMENTS = """
slacast: 1
name: test desk
time_zone: Europe/Berlin
calendars:
  office:
    time_zone: Europe/Berlin
    hours: {mon-fri: [["08:00", "12:00"], ["13:00", "18:00"]], sat: [["09:00", "12:00"]]}
  always:
    time_zone: Europe/Berlin
    always_open: true
agreements:
  - name: desk
    owner: someone
    targets:
      - metric: resolution
        pause: {status: waiting, waiting_on: customer}
        warnings: [50%, 75%]
        goals:
          - {applies_to: {priority: high}, within: 3 h, calendar: always}
          - {applies_to: {priority: low}, within: 5 working hours, calendar: office}
          - {default: true, within: no agreement}
      - metric: first_response
        policies: {first_response: any_action}
        goals:
          - {applies_to: {priority: high}, within: 30 min, calendar: always}
          - {default: true, within: 2 working hours, calendar: office}
"""

STATES = [
    ("new", None),
    ("open", ""),
    ("waiting", "customer"),
    ("waiting", "supplier"),
    ("resolved", ""),
    ("closed", ""),
]
CHOICES: dict[str, list[Any]] = {
    "priority": [None, "high", "low", "none"],
    "team": [None, None, "network", "desk", ""],
    "assignee": [None, "ann", "bob", ""],
    "category": [None, "mail", "vpn"],
    "customer": [None, "acme", "zeta"],
    "service": [None, "mail", "vpn"],
    "channel": [None, "phone", "mail"],
    "attributes.place": [None, "north", "south", "east"],
    "attributes.floor": [None, "1 - low", "2 - high"],
}


def agreements() -> AgreementSet:
    """The agreements that the random desks keep."""
    return parse_agreements(AGREEMENTS, source="test desk")


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Canonical events from rows with `ticket`, `minute`, `delay` (minutes until recorded) and columns that are not None."""
    return conform_ticket_events(
        pd.DataFrame(
            [
                {
                    "event_id": f"{row['ticket']}/{row['minute']:05d}/{place:03d}",
                    "ticket_id": row["ticket"],
                    "event_at": START + pd.Timedelta(minutes=row["minute"]),
                    "recorded_at": START + pd.Timedelta(minutes=row["minute"] + row.get("delay", 0)),
                    "kind": row.get("kind", "updated"),
                }
                | {name: value for name, value in row.items() if name not in ("ticket", "minute", "delay", "kind")}
                for place, row in enumerate(rows)
            ]
        )
    )


def histories(*rows: dict[str, Any]) -> Histories:
    """Histories of such rows under the test agreements."""
    return Histories.from_events(frame(list(rows)), agreements())


@st.composite
def logs(draw: st.DrawFn, tickets: int = 5, events: int = 24) -> pd.DataFrame:
    """A random log: canonical events of a few tickets over four days, in random order of rows."""
    rows = draw(st.lists(_event(tickets), min_size=1, max_size=events))
    return frame(rows)


@st.composite
def _event(draw: st.DrawFn, tickets: int) -> dict[str, Any]:
    late = draw(st.booleans()) and draw(st.booleans())
    row: dict[str, Any] = {
        "ticket": f"T{draw(st.integers(1, tickets))}",
        "minute": draw(st.integers(0, MINUTES // 12)) * 12 if draw(st.booleans()) else draw(st.integers(0, MINUTES)),
        "delay": draw(st.integers(1, 900)) if late else 0,
        "kind": draw(st.sampled_from(["updated", "updated", "commented", "status"])),
        "actor_kind": draw(st.sampled_from([None, "agent", "customer"])),
    }
    if draw(st.integers(0, 3)):
        row["status"], row["waiting_on"] = draw(st.sampled_from(STATES))
    for name, values in CHOICES.items():
        row[name] = draw(st.sampled_from(values))
    return row


def service_frame(rows: list[tuple[str, int, int, str, str]]) -> pd.DataFrame:
    """Canonical service events from (service, minute, minutes until recorded, kind, phase); announced if recorded before."""
    return conform_service_events(
        pd.DataFrame(
            [
                {
                    "event_id": f"{service}/{minute}/{place}",
                    "service": service,
                    "event_at": START + pd.Timedelta(minutes=minute),
                    "recorded_at": START + pd.Timedelta(minutes=minute + delay),
                    "kind": kind,
                    "phase": phase,
                }
                for place, (service, minute, delay, kind, phase) in enumerate(rows)
            ],
            columns=["event_id", "service", "event_at", "recorded_at", "kind", "phase"],
        ).astype({"event_id": "str", "event_at": "datetime64[us, UTC]", "recorded_at": "datetime64[us, UTC]"})
    )


def service_logs(events: int = 10) -> st.SearchStrategy[pd.DataFrame]:
    """Random service events of the services that tickets name, from a month before: announced, in time and late."""
    row = st.tuples(
        st.sampled_from(["mail", "vpn", "unknown to tickets"]),
        st.integers(-31 * 24 * 6, MINUTES // 10).map(lambda tens: tens * 10),
        st.sampled_from([0, 0, 0, 45, 600, -300, -3000]),
        st.sampled_from([*COUNTED, "check"]),
        st.sampled_from(PHASES),
    )
    return st.lists(row, max_size=events).map(service_frame)


def busy_services(seed: int, events: int = 40) -> pd.DataFrame:
    """A fuller random log of service events for `busy_log`."""
    rng = np.random.default_rng(seed)
    phases = ("start", "end", "end", "point")
    return service_frame(
        [
            (
                ("mail", "vpn")[int(rng.integers(2))],
                int(rng.integers(-20 * 1440, MINUTES)) if rng.random() < 0.4 else int(rng.integers(0, MINUTES)),
                int(rng.choice([0, 0, 0, 90, -1000])),
                COUNTED[int(rng.integers(len(COUNTED)))],
                phases[int(rng.integers(len(phases)))],
            )
            for _ in range(events)
        ]
    )


def full_spec() -> FeatureSpec:
    """Every family with every kind of key, whatever a small log would make the selection choose."""
    single = [(name,) for name in ("team", FIRST_TEAM, "assignee", "category", "attributes.place")]
    pairs = [("team", "category"), ("attributes.place", "priority")]
    settings = Settings(
        families=FAMILIES,
        orders={"priority": ("high", "low"), "channel": ("phone", "mail"), "attributes.floor": ("1 - low", "2 - high")},
        keys=(*single, *pairs),
        recent_keys=(("team",), ("assignee",)),
        duration_keys=(("team",), ("team", "category")),
        load_keys=(("team",), ("assignee",)),
        spread_keys=(("team",),),
        due_keys=(("team",),),
        present_keys=(("assignee",),),
        service_kinds=COUNTED,
        counts_service_tickets=True,
        has_majors=True,
        has_warnings=True,
    )
    return FeatureSpec(declared(settings), settings)


def busy_log(seed: int, tickets: int = 8, events: int = 70) -> pd.DataFrame:
    """A fuller random log than the property tests draw by themselves: many hand-overs, resolutions and reopenings."""
    rng = np.random.default_rng(seed)

    def pick(values: list[Any]) -> Any:
        return values[int(rng.integers(len(values)))]

    rows = []
    for place in range(events):
        ticket = f"T{rng.integers(1, tickets + 1)}"
        minute = int(rng.integers(MINUTES // 30)) * 30 if rng.random() < 0.7 else int(rng.integers(MINUTES))
        row = {"ticket": ticket, "minute": minute, "kind": pick(["updated", "commented"])}
        row |= {
            "delay": int(rng.integers(1, 900)) if rng.random() < 0.15 else 0,
            "actor_kind": pick(["agent", "customer"]),
        }
        row["status"], row["waiting_on"] = pick(STATES) if rng.random() < 0.6 else (None, None)
        rows.append(row | {name: pick([*values, None]) for name, values in CHOICES.items()})
        if place < tickets:
            rows[-1] |= {"priority": pick(["high", "low"])}
    return frame(rows)
