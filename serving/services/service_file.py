"""Everything about one service: how it stands, its budget day by day, and what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import numpy as np

from features.outages.spans import Spans, us_of
from features.outages.tickets import TICKET_OPENED
from serving.services.budgets import hours_of
from serving.services.groups import Outages, outages_of
from serving.services.making import NOT_IN_CATALOGUE, Basis
from serving.services.standing import ServiceStanding
from sla.instants import DAY_US, NEVER_US, from_us
from sla.services.availability import availability

Kind: TypeAlias = Literal["outage", "degradation", "maintenance", "change"]
DAYS_TOLD = 90


@dataclass(frozen=True)
class Happening:
    """One thing that happened, or is announced; `end_at` None: it lasts, or its end is not known."""

    kind: Kind
    start_at: datetime
    end_at: datetime | None
    known_at: datetime

    @property
    def seconds(self) -> float | None:
        """How long it lasted; None while it does, and for a change."""
        return None if self.end_at is None or self.kind == "change" else (self.end_at - self.start_at).total_seconds()


@dataclass(frozen=True)
class BudgetPoint:
    """Availability of the period that ended at an instant, and what was left of its budget; None where nothing was measured."""

    at: datetime
    availability: float | None
    remaining_share: float | None  # None too where nothing is promised


@dataclass(frozen=True)
class ServiceFile:
    """One service. `happenings` of the last 90 days and ahead, the latest first; `course` a point a day, the oldest first."""

    standing: ServiceStanding
    as_of: datetime
    since: datetime
    happenings: tuple[Happening, ...]
    course: tuple[BudgetPoint, ...]
    whole_availability: float | None  # with all that it needs; None where it needs nothing
    tickets_by_day: tuple[int, ...]  # opened for it on each of the last 90 UTC days, today last


def service_file(basis: Basis, service: str) -> ServiceFile | None:
    """The file of a service at the instant of the board; None for one that is not known."""
    standing = basis.board.find(service)
    if standing is None:
        return None
    at_us = basis.happened.at_us
    since_us = at_us - DAYS_TOLD * DAY_US
    return ServiceFile(
        standing,
        basis.board.as_of,
        from_us(since_us),
        _happenings(basis, service, since_us),
        _course(basis, service, at_us),
        _whole(basis, service, at_us),
        _tickets_by_day(basis, service, at_us),
    )


def _tickets_by_day(basis: Basis, service: str, at_us: int) -> tuple[int, ...]:
    if basis.tickets is None:
        return (0,) * DAYS_TOLD
    told = basis.tickets
    mine = told.loc[(told["service"] == service) & (told["kind"] == TICKET_OPENED), "recorded_at"]
    ago = (at_us - 1) // DAY_US - us_of(mine) // DAY_US
    found = np.bincount(ago[(ago >= 0) & (ago < DAYS_TOLD)], minlength=DAYS_TOLD)
    return tuple(found[::-1].tolist())


def _happenings(basis: Basis, service: str, since_us: int) -> tuple[Happening, ...]:
    """What was recorded of the service by itself, with the outages of the whole where it is a group."""
    happened, place = basis.happened, basis.happened.place.get(service, -1)
    kinds: tuple[tuple[Kind, Spans | Outages], ...] = (
        ("outage", outages_of(service, basis.histories[service], happened, basis.agreements)),
        ("degradation", happened.of_service(happened.degradations, place)),
        ("maintenance", happened.of_service(happened.maintenance, place)),
        ("change", happened.of_service(happened.changes, place)),
    )
    found = []
    for kind, mine in kinds:
        recent = (mine.begin_us if kind == "change" else mine.end_us) >= since_us
        spans = zip(mine.begin_us[recent], mine.end_us[recent], mine.known_us[recent], strict=True)
        for begin, end, known in spans:
            is_over = end != NEVER_US and kind != "change"
            found.append(
                Happening(kind, from_us(int(begin)), from_us(int(end)) if is_over else None, from_us(int(known)))
            )
    return tuple(sorted(found, key=lambda one: (one.start_at, one.kind), reverse=True))


def _course(basis: Basis, service: str, at_us: int) -> tuple[BudgetPoint, ...]:
    entry = basis.agreements.services.get(service, NOT_IN_CATALOGUE)
    days = entry.availability_days
    ends = at_us - np.arange(DAYS_TOLD - 1, -1, -1, dtype=np.int64) * DAY_US
    found = availability(basis.histories[service], ends - days * DAY_US, ends, hours=hours_of(entry, basis.agreements))
    allowed = None if entry.availability_percent is None else 1 - entry.availability_percent / 100
    points = []
    for end, share in zip(ends.tolist(), found.share.tolist(), strict=True):
        known = None if np.isnan(share) else share
        left = None if known is None or allowed is None else 1 - (1 - known) / allowed
        points.append(BudgetPoint(from_us(end), known, left))
    return tuple(points)


def _whole(basis: Basis, service: str, at_us: int) -> float | None:
    entry = basis.agreements.services.get(service, NOT_IN_CATALOGUE)
    if not entry.depends_on and not entry.parts:
        return None
    start, end = np.array([at_us - entry.availability_days * DAY_US]), np.array([at_us])
    share = availability(basis.whole(service), start, end, hours=hours_of(entry, basis.agreements)).share[0]
    return float(share) if np.isfinite(share) else None
