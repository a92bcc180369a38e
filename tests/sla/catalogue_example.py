"""The results in examples/catalogue/results, computed from the example: `python -m tests.sla.catalogue_example` writes them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sla.agreements.loading import check_text, load_agreements
from sla.clocks.explanation import explain_text, headline
from sla.clocks.replay import replay
from sla.clocks.ticket_clocks import replay_ticket
from sla.clocks.what_if import Supposition, what_if
from sla.events import EventLog, TicketEvent
from sla.instants import to_us

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "catalogue"
AS_OF = datetime(2024, 5, 14, 8, 0, tzinfo=UTC)


def events() -> list[TicketEvent]:
    """The events of events.csv; an empty cell is no news, a missing recorded_at means at once."""
    found = []
    with (EXAMPLE / "events.csv").open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file)):
            at_us = to_us(datetime.fromisoformat(row["event_at"]))
            recorded_us = to_us(datetime.fromisoformat(row["recorded_at"])) if row["recorded_at"] else at_us
            values = {
                name: text
                for name, text in row.items()
                if text and name not in ("ticket_id", "event_at", "recorded_at")
            }
            found.append(TicketEvent(row["ticket_id"], f"{row['ticket_id']}/{number:03d}", at_us, recorded_us, values))
    return found


def tickets() -> dict[str, list[TicketEvent]]:
    lives: dict[str, list[TicketEvent]] = {}
    for event in events():
        lives.setdefault(event.ticket_id, []).append(event)
    return lives


def check_result() -> str:
    path = EXAMPLE / "agreements.yaml"
    return (
        check_text(path.read_text(encoding="utf-8"), source="examples/catalogue/agreements.yaml", folder=EXAMPLE).text()
        + "\n"
    )


def clocks_result() -> str:
    """Every clock of every ticket at the example's instant, as CSV."""
    columns = replay(
        EventLog.from_events(events()), load_agreements(EXAMPLE / "agreements.yaml"), to_us(AS_OF)
    ).to_columns()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_cell(value) for value in row])
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, np.datetime64):
        return "" if np.isnat(value) else f"{np.datetime_as_string(value, unit='s')}Z"
    return f"{value:g}" if isinstance(value, float | np.floating) else value


def explanations_result() -> str:
    """Why: every clock of the tickets that started, in words."""
    agreements = load_agreements(EXAMPLE / "agreements.yaml")
    parts = [f"As of {AS_OF.isoformat()}\n"]
    for life in tickets().values():
        parts += [
            explain_text(verdict) + "\n" for verdict in replay_ticket(life, agreements, AS_OF) if verdict.started_at
        ]
    return "\n".join(parts)


def what_if_result() -> str:
    """The open ticket T-05 under other circumstances."""
    agreements, life = load_agreements(EXAMPLE / "agreements.yaml"), tickets()["T-05"]
    suppositions = {
        "priority 1": Supposition({"priority": "1"}),
        "priority 3": Supposition({"priority": "3"}),
        "service Network": Supposition({"service": "Network", "priority": "1"}),
        "version 2023 of Offices": Supposition(versions={"Offices": "2023"}),
        "desk open around the clock": Supposition(calendars={"desk": "around_the_clock"}),
    }
    lines = [f"T-05 resolution as of {AS_OF.isoformat()}"]
    for name, supposition in suppositions.items():
        (found,) = what_if(life, agreements, AS_OF, supposition, targets=["resolution"])
        if len(lines) == 1:
            lines.append(f"{'as it is':28}{headline(found.actual)}")
        lines.append(f"{name:28}{headline(found.supposed)}")
    return "\n".join(lines) + "\n"


RESULTS = {
    "check.txt": check_result,
    "clocks.csv": clocks_result,
    "explanations.txt": explanations_result,
    "what-if.txt": what_if_result,
}


if __name__ == "__main__":
    for name, build in RESULTS.items():
        (EXAMPLE / "results" / name).write_text(build(), encoding="utf-8")
