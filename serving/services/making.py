"""From events, tickets, catalogue and model to how every service stands at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from features.outages.groups import group_ledger
from features.outages.ledger import Ledger
from models.outage import OutageModel, told_how
from models.outage_forecast import OutageForecast, forecast_services
from serving.services.budgets import Measured, measured
from serving.services.groups import Outages, histories_of, needs_of, outages_of, resting_on
from serving.services.happened import Happened
from serving.services.standing import (
    Continuity,
    MadeOf,
    OutageRisk,
    Planned,
    ServiceBoard,
    ServiceStanding,
    State,
    in_order,
)
from serving.services.untouched import is_untouched
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.catalogue import Service, groups_among
from sla.instants import DAY_US, NEVER_US, SECOND_US, from_us, to_us
from sla.services.dependencies import Needs, composite
from sla.services.service_history import FAR_PAST_US, ServiceError, ServiceHistory, ServiceState

YEAR_US = 365 * DAY_US
NOT_IN_CATALOGUE = Service()
_WORDS: dict[int, State] = {
    ServiceState.AVAILABLE: "available",
    ServiceState.DEGRADED: "degraded",
    ServiceState.MAINTENANCE: "maintenance",
    ServiceState.UNKNOWN: "unknown",
    ServiceState.DOWN: "down",
}


@dataclass(frozen=True)
class Answering:
    """The outage model that answers, or why a rule does."""

    model: OutageModel | None = None
    version: str | None = None
    why_none: str | None = "no model is loaded yet"


@dataclass(frozen=True)
class Basis:
    """All that a board was made from, kept to answer questions about one service."""

    board: ServiceBoard
    happened: Happened
    agreements: AgreementSet
    histories: dict[str, ServiceHistory]
    tickets: pd.DataFrame | None = None  # what tickets told of services by then (features/outages/tickets.py)

    def whole(self, service: str) -> ServiceHistory:
        """The history of a service with all that it needs; its own where the catalogue leads in a circle."""
        try:
            return composite(service, self.histories, self._needs)
        except ServiceError:
            return self.histories[service]

    @cached_property
    def _needs(self) -> dict[str, Needs]:
        return {name: needs_of(one) for name, one in self.agreements.services.items()}


def make_basis(
    events: pd.DataFrame,
    tickets: pd.DataFrame | None,
    agreements: AgreementSet,
    at: datetime,
    answering: Answering,
    *,
    untouched_share: float = 0.0,
) -> Basis:
    """How every service of the catalogue, and every other one with events, stands at an aware instant.

    Of `events` (canonical service events) and `tickets` (features/outages/tickets.py) those recorded by the instant count.
    """
    at_us, model = to_us(at), answering.model
    events = events[events["recorded_at"] <= at]
    kinds, rules = told_how(model)
    seen = None if tickets is None else tickets[tickets["recorded_at"] <= at]
    needs = {name: service.cannot_do_without for name, service in agreements.services.items()}
    ledger = Ledger.of(events, seen, kinds=kinds, rules=rules, needs=needs)
    happened = Happened.of(events, ledger, at_us)
    groups = groups_among(agreements.services)
    forecast = forecast_services(
        ledger,
        at,
        model,
        answering.version or "",
        groups=group_ledger(ledger, events, groups, seen) if groups else None,
        group_names=groups,
    )
    names = sorted({*agreements.services, *ledger.names})
    histories = histories_of(names, happened, agreements)
    board = ServiceBoard(at, forecast.by, answering.version, answering.why_none, forecast.horizon_hours)
    basis = Basis(board, happened, agreements, histories)
    standings = _Standings(basis, forecast, untouched_share)
    services = in_order([standings.of(name) for name in names])
    return Basis(
        ServiceBoard(at, board.by, board.model_version, board.why_no_model, board.horizon_hours, services),
        happened,
        agreements,
        histories,
        seen,
    )


class _Standings:
    """Puts together how each service stands."""

    def __init__(self, basis: Basis, forecast: OutageForecast, untouched_share: float) -> None:
        self._basis, self._forecast, self._untouched_share = basis, forecast, untouched_share
        self._risks = {one.service: one for one in forecast.services}
        self._at, self._at_us = basis.board.as_of, basis.happened.at_us
        self._needed_by: dict[str, list[str]] = {}
        for name, service in basis.agreements.services.items():
            for needed in (*service.depends_on, *service.parts):
                self._needed_by.setdefault(needed, []).append(name)

    def of(self, name: str) -> ServiceStanding:
        """How one service stands."""
        basis, happened = self._basis, self._basis.happened
        entry = basis.agreements.services.get(name, NOT_IN_CATALOGUE)
        history = basis.histories[name]
        state, since = _state(history, self._at_us)
        place = happened.place.get(name)
        outages = outages_of(name, history, happened, basis.agreements)
        found: Measured = measured(history, entry, basis.agreements, self._at_us)
        last = len(outages.begin_us) - 1
        risk = None if state == "down" else self._risk(name)
        over_us = int(outages.end_us[last]) if last >= 0 else NEVER_US
        return ServiceStanding(
            service=name,
            state=state,
            state_since=since,
            description=entry.description,
            owner=entry.owner,
            criticality=entry.criticality,
            risk=risk,
            why_no_risk=None if risk else self._why_no_risk(name, state),
            availability=found.share,
            budget=found.budget,
            last_outage_at=from_us(int(outages.begin_us[last])) if last >= 0 else None,
            last_outage_ended_at=None if over_us == NEVER_US else from_us(over_us),
            outages=found.outages,
            mttr_seconds=found.mttr_seconds,
            mtbf_seconds=found.mtbf_seconds,
            lost_minutes_by_day=found.lost_minutes_by_day,
            needs=entry.depends_on,
            needed_by=tuple(sorted(self._needed_by.get(name, ()))),
            needs_down=tuple(sorted(one for one in entry.depends_on if self._state(one) == "down")),
            whole_state=_state(basis.whole(name), self._at_us)[0] if entry.depends_on or entry.parts else state,
            planned=self._planned(entry, history, place),
            continuity=self._continuity(entry, name, outages),
            has_events=not happened.place.keys().isdisjoint(resting_on(name, basis.agreements)),
            made_of=self._made_of(entry),
        )

    def _made_of(self, entry: Service) -> MadeOf | None:
        if entry.made_of is None:
            return None
        down = tuple(one for one in entry.parts if self._state(one) == "down")
        return MadeOf(entry.made_of.parts_needed, entry.parts, down)

    def _state(self, name: str) -> State:
        return _state(self._basis.histories[name], self._at_us)[0]

    def _risk(self, name: str) -> OutageRisk | None:
        one = self._risks.get(name)
        if one is None:
            return None
        return OutageRisk(
            one.probability,
            one.usual,
            one.outages_7_days,
            one.minutes_down_7_days,
            one.because,
            one.words,
            is_untouched(name, self._at, self._untouched_share),
        )

    def _why_no_risk(self, name: str, state: State) -> str:
        agreements, place = self._basis.agreements, self._basis.happened.place
        if place.keys().isdisjoint(resting_on(name, agreements)):
            return "nothing is recorded of it: no outage, check or change"
        if state == "down":
            return "it is down: a new outage is not asked about"
        if agreements.services.get(name, NOT_IN_CATALOGUE).made_of is not None:
            return "too few of its parts are known or watched, or it was down for most of four weeks"
        return "it is not watched any more, or was down for most of four weeks"

    def _planned(self, entry: Service, history: ServiceHistory, place: int | None) -> tuple[Planned, ...]:
        """What is announced; of a group the maintenance that takes the whole, not that which its other parts carry."""
        happened = self._basis.happened
        own, changes = (
            happened.of_service(spans, -1 if place is None else place)
            for spans in (happened.maintenance, happened.changes)
        )
        maintenance = (own.begin_us, own.end_us)
        if entry.made_of is not None:
            maintenance = history.periods(ServiceState.MAINTENANCE)
        spans = zip(maintenance[0].tolist(), maintenance[1].tolist(), strict=True)
        found = [
            Planned("maintenance", from_us(at), None if end == NEVER_US else from_us(end))
            for at, end in spans
            if at > self._at_us
        ]
        found += [Planned("change", from_us(at), None) for at in changes.begin_us.tolist()]
        ahead = [one for one in found if one.start_at > self._at]
        return tuple(sorted(ahead, key=lambda one: (one.start_at, one.kind)))

    def _continuity(self, entry: Service, name: str, outages: Outages) -> Continuity | None:
        if entry.continuity is None:
            return None
        promised = entry.continuity
        over = (outages.end_us != NEVER_US) & (outages.end_us > self._at_us - YEAR_US)
        seconds = (outages.end_us - outages.begin_us)[over] / SECOND_US
        objective = None if promised.recovery_time is None else promised.recovery_time.amount_us / SECOND_US
        exercised = promised.exercised_on
        exercised_at = (
            None if exercised is None else datetime(exercised.year, exercised.month, exercised.day, tzinfo=UTC)
        )
        due_at = None
        if promised.exercise_every_days is not None:
            due_at = self._at if exercised_at is None else exercised_at + timedelta(days=promised.exercise_every_days)
        return Continuity(
            objective,
            None if promised.recovery_point is None else promised.recovery_point.amount_us / SECOND_US,
            len(seconds),
            0 if objective is None else int((seconds > objective).sum()),
            float(seconds.max()) if len(seconds) else None,
            self._basis.happened.data_lost.get(name),
            exercised_at,
            due_at,
        )


def _state(history: ServiceHistory, at_us: int) -> tuple[State, datetime | None]:
    """The state just before an instant and since when; None: since before anything is known."""
    at = np.array([at_us - 1], np.int64)
    opens, closes = history.maintenance
    in_maintenance = np.flatnonzero((opens <= at_us - 1) & (closes > at_us - 1))
    if len(in_maintenance):
        return "maintenance", from_us(int(opens[in_maintenance[0]]))
    place = int(np.searchsorted(history.changes_us, at, side="right")[0])
    since_us = int(history.changes_us[place - 1]) if place else FAR_PAST_US
    return _WORDS[int(history.states[place])], from_us(since_us) if since_us > FAR_PAST_US else None
