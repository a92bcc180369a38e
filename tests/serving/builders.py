"""What the tests of the service are made of: queues, files and services without a store."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from starlette.testclient import TestClient

from features.live import LiveHistories
from serving.app import application
from serving.meanwhile import Meanwhile
from serving.queue import Queue, QueueRow
from serving.risk import Clock, Thresholds, group_of, risk_words
from serving.rule_reasons import rule_reasons, why_here
from serving.service import Service
from serving.settings import Settings
from serving.ticker import Ticker
from serving.ticket_file import ClockFile, EventLine, Step, TicketFile, Warned, WeighedReason
from serving.wording import LocalTime
from sla.events import EventLog
from tests.serving.real_desk import agreements

NOW = datetime(2016, 5, 17, 6, 4, tzinfo=UTC)  # a Tuesday, 08:04 in Berlin
ZONE = "Europe/Berlin"
HOUR = 3600.0
TITLES = (
    "Printer on floor 2 is offline",
    "Cannot log in after password change",
    "VPN drops every ten minutes since the update",
    "New laptop for a colleague who starts on Monday",
    "Invoice export fails with error 0x80070005",
    "Mail to outside addresses is returned",
    "Shared drive is very slow for the whole department in building C",
    "Request access to the sales report",
)
TEAMS = ("Service desk", "Network", "Workplace", "Applications", "Identity and access")
SERVICES = ("Mail", "Network", "ERP", "Workplace", "Identity")


def clock(left_hours: float | None = 20.0, target_hours: float = 30.0, state: str = "running", **values: Any) -> Clock:
    """A clock with that much working time left; wall-clock time is taken as three times as long."""
    if left_hours is None:
        return Clock(target="resolution", state=state, **values)
    left = left_hours * HOUR
    return Clock(
        **{
            "target": "resolution",
            "agreement": "Standard",
            "state": state,
            "due_at": NOW + timedelta(seconds=3 * left),
            "target_seconds": target_hours * HOUR,
            "elapsed_seconds": target_hours * HOUR - left,
            "remaining_working_seconds": left,
            "remaining_wall_seconds": 3 * left,
            "breached_at": NOW + timedelta(seconds=3 * left) if left < 0 else None,
            **values,
        }
    )


def row(
    ticket_id: str = "INC1", *, thresholds: Thresholds | None = None, probability: float | None = None, **values: Any
) -> QueueRow:
    """A row whose risk, group and sentences follow from its clock and probability as in the scorer."""
    limits = thresholds or Thresholds()
    leading = values.pop("clock", None) or clock()
    risk, rules_risk = risk_words(leading, probability, limits)
    given_reasons = values.pop("reasons", None)
    found = QueueRow(
        ticket_id=ticket_id,
        clock=leading,
        probability=probability,
        risk=risk,
        rules_risk=rules_risk,
        group=group_of(risk, leading, limits),
        opened_at=values.pop("opened_at", NOW - timedelta(days=3)),
        **values,
    )
    reasons = given_reasons or rule_reasons(found, NOW, LocalTime.named(ZONE))
    return replace(found, reasons=tuple(reasons), why_here=why_here(found, NOW, limits))


def queue_of(rows: Iterable[QueueRow], **values: Any) -> Queue:
    """A queue of these rows at NOW in Berlin, scored by a model unless told otherwise."""
    if "rules_only_reason" not in values:
        values.setdefault("bundle_version", "breach v7")
    return Queue.ordered(rows, values.pop("as_of", NOW), zone=ZONE, **values)


def by_ticket(queue: Queue) -> dict[str, QueueRow]:
    """All rows of a queue by their ticket."""
    return {found.ticket_id: found for found in queue.rows}


def busy_desk(count: int = 180, seed: int = 7, with_model: bool = True) -> Queue:
    """A queue such as a desk of thirty people has on a Tuesday morning."""
    chance = random.Random(seed)
    rows = [_some_ticket(chance, number, with_model) for number in range(count)]
    if with_model:
        return queue_of(rows)
    return queue_of(rows, rules_only_reason="Rules only: no model is loaded (no model 'breach' yet)")


def _some_ticket(chance: random.Random, number: int, with_model: bool) -> QueueRow:
    priority = chance.choices(("1", "2", "3", "4"), (1, 3, 12, 4))[0]
    target = {"1": 8.0, "2": 24.0, "3": 30.0, "4": 50.0}[priority]
    left = chance.triangular(-8, target, target * 0.8)
    is_waiting = chance.random() < 0.2
    state = {
        (False, False): "running",
        (False, True): "breached",
        (True, False): "paused",
        (True, True): "paused_and_breached",
    }[is_waiting, left < 0]
    probability = None
    if with_model and left > 0:
        probability = min(0.97, max(0.01, (1 - left / target) * 0.7 + chance.gauss(0, 0.15)))
    age = timedelta(hours=target - left + chance.random() * 40)
    return row(
        f"INC{12000 + number * 7:07d}",
        clock=clock(left, target, state),
        probability=probability,
        title=chance.choice(TITLES),
        priority=priority,
        service=chance.choice(SERVICES),
        category="Incident",
        team=chance.choice(TEAMS),
        assignee=chance.choice(("", "A. Nowak", "J. Okafor", "M. Lindqvist", "P. Fernández")),
        customer=f"caller {chance.randrange(400)}",
        status="waiting" if is_waiting else "open",
        waiting_on="customer" if is_waiting else "",
        waiting_since=NOW - timedelta(hours=chance.random() * 60) if is_waiting else None,
        opened_at=NOW - age,
        last_contact_at=NOW - age * chance.random(),
        response=clock(chance.uniform(-1, 4), 4.0, target="first_response") if age < timedelta(hours=12) else None,
        bundle_version="breach v7" if with_model else None,
        reasons=(
            "Time left is short for its category: 4 h 10 min",
            "Its team closed 8 of 23 late in 14 days",
            "Reassigned 3 times",
        )
        if probability and probability > 0.3
        else None,
    )


def file_of(found: QueueRow, queue: Queue) -> TicketFile:
    """The file of an open ticket of that queue."""
    elapsed, left = found.clock.elapsed_seconds or 0.0, found.clock.remaining_working_seconds or 0.0
    opened = found.opened_at or NOW
    steps = (
        Step("ran", opened, opened + timedelta(hours=3), elapsed * 0.4, "Sat 14 May 23:52 - Sun 15 May 02:52: 3 h ran"),
        Step(
            "paused",
            opened + timedelta(hours=3),
            opened + timedelta(hours=9),
            4 * HOUR,
            "Sun 15 May: paused 4 h waiting on customer",
        ),
        Step("ran", opened + timedelta(hours=9), NOW, elapsed * 0.6, "Mon 16 May 08:00-18:00: 10 h ran"),
        Step("due", NOW, NOW, 0.0, f"due in {left / HOUR:.1f} h"),
    )
    leading = ClockFile(
        clock=found.clock,
        kind="SLA",
        started_at=opened,
        paused_seconds=4 * HOUR,
        rule="Priority 3: 30 working hours",
        why="it applies because priority is 3",
        calendar="office",
        time_zone=ZONE,
        policies={"priority_change": "recompute", "reopen": "run on"},
        warnings=(Warned(0.75, NOW - timedelta(hours=1), True),),
        steps=steps,
    )
    events = (
        EventLine(
            event_id="1", event_at=opened, recorded_at=opened, kind="created", actor_kind="customer",
            changes={"status": "open", "priority": found.priority, "team": found.team, "attributes.title": found.title},
        ),
        EventLine(
            event_id="2", event_at=opened + timedelta(hours=3), recorded_at=opened + timedelta(hours=4), kind="status", actor_kind="agent",
            changes={"status": "waiting", "waiting_on": "customer"},
        ),
        EventLine(
            event_id="3", event_at=opened + timedelta(hours=9), recorded_at=opened + timedelta(hours=9), kind="status", actor_kind="customer",
            changes={"status": "open", "waiting_on": ""},
        ),
    )  # fmt: skip
    facts = {
        name: str(getattr(found, name))
        for name in ("title", "priority", "status", "service", "team", "assignee", "customer")
    }
    weights = (0.8, 0.4, -0.2)
    reasons = tuple(
        WeighedReason(text, weight if found.probability is not None else None)
        for text, weight in zip(found.reasons, weights, strict=False)
    )
    return TicketFile(
        ticket_id=found.ticket_id, as_of=queue.as_of, zone=queue.zone, row=found, facts=facts, clocks=(leading,), events=events,
        reasons=reasons, bundle_version=queue.bundle_version, rules_only_reason=queue.rules_only_reason,
    )  # fmt: skip


class FixedSource:
    """A scorer that always finds the same queue, or whatever `queue` is set to; `has_news` makes the next step score."""

    def __init__(self, queue: Queue) -> None:
        self.queue, self.has_news, self.failure = queue, False, ""

    def read_news(self) -> bool:
        news, self.has_news = self.has_news, False
        return news

    def score(self, at: datetime, meanwhile: Meanwhile | None = None) -> Queue:
        if self.failure:
            raise RuntimeError(self.failure)
        return self.queue

    def refresh(self, at: datetime) -> Queue:
        return self.score(at)

    def glance(self, at: datetime) -> Queue | None:
        return self.score(at)

    def ticket(self, ticket_id: str, at: datetime, supposed: pd.DataFrame | None = None) -> TicketFile | None:
        found = self.queue.find(ticket_id)
        return file_of(found, self.queue) if found else None

    def score_events(self, events: EventLog, at: datetime) -> Queue:
        return self.queue

    def score_apart(self, logs: Sequence[EventLog], at: datetime) -> Queue:
        return self.queue

    @property
    def histories(self) -> LiveHistories:
        """Nothing is known of any other ticket."""
        return LiveHistories(agreements())


def service_over(source: FixedSource, clock: Callable[[], datetime] = lambda: NOW, **settings: Any) -> Service:
    """A service that holds the source's queue; nothing ticks until it is served."""
    chosen = Settings(**settings)
    ticker = Ticker(source, clock, tick_seconds=chosen.tick_seconds, news_seconds=chosen.news_seconds)
    return Service(chosen, clock, source, ticker)


def client_of(service: Service) -> TestClient:
    """A client on this machine, talking to the application in process; one step was scored, the background does not run."""
    service.ticker.step()
    return TestClient(
        application(service),
        base_url="http://127.0.0.1:8000",
        client=("127.0.0.1", 50000),
        raise_server_exceptions=False,
    )


def order_of(queue: Queue) -> list[tuple[object, ...]]:
    """Who stands where in a queue, and why."""
    return [(row.ticket_id, row.group, row.rank_in_team, row.gain_per_minute, row.why_here) for row in queue.rows]


def is_problem(answer: Any, status: int) -> dict[str, Any]:
    """The problem that an answer is; fails where it is none of this status."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status
    assert found["type"] == "about:blank"
    return found  # type: ignore[no-any-return]
