"""Open tickets at an instant as columns: where their clocks stand, what a bundle says, in which order they are worth taking."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from features.live import LiveHistories
from features.snapshots import Snapshots
from models.bundle import BreachBundle
from models.work_marks import WorkTime
from serving.estimates import Earlier, Estimates
from serving.facts import Facts
from serving.handling import Handling
from serving.known_events import Touched
from serving.open_work import suggested_order
from serving.risk import Thresholds
from serving.scored import Reading, Scored, Stood
from serving.suggested import OrderSettings
from serving.unchanged import Unchanged
from serving.wording import LocalTime
from sla.instants import to_us

LEADING, RESPONSE = "resolution", "first_response"


@dataclass(frozen=True)
class Scoring:
    """How tickets are scored: where the words for risk begin, in whose time, by which order."""

    thresholds: Thresholds
    local: LocalTime
    order: OrderSettings
    work: WorkTime | None = None

    def columns(
        self,
        histories: LiveHistories,
        at: datetime,
        bundle: BreachBundle | None,
        *,
        of: Snapshots | None = None,
        before: Scored | None = None,
        touched: Touched | None = None,
        ordered_by: Handling | None = None,
        earlier: Scored | None = None,
    ) -> Scored:
        """All open tickets, or the given snapshots, as a bundle or the rules alone score them.

        `before`: what the same bundle need not be asked again, but for what was `touched`. They are put in order where it is given what
        finished tickets tell of work. `earlier`: what it repeats of tickets that crossed none of its thresholds since; all are looked at.
        """
        snapshots = histories.open_snapshots(to_us(at)) if of is None else of
        touched = touched or Touched()
        still = None if before is None else Unchanged.since(before, histories, snapshots, touched)
        if still is None:
            facts, leading = Facts.of(histories, snapshots), histories.verdicts(snapshots, LEADING)
        else:
            facts, leading = still.facts(), still.verdicts(LEADING, still.before.leading)
        is_undecided = leading.is_undecided
        estimates, asked_at = Estimates.none(len(snapshots)), at
        if bundle is not None and still is not None:
            estimates, asked_at = still.estimates(is_undecided, facts, touched), still.before.reading.asked_at
        if bundle is not None:
            wanted, said = is_undecided & (estimates.row < 0), None
            if earlier is not None:
                said = Earlier(
                    earlier.estimates, histories.places_among(snapshots, earlier.histories, earlier.snapshots)
                )
            estimates = estimates.asked(bundle, histories, snapshots, wanted, said)
        reading = Reading(at, histories.agreements, self.thresholds, self.local, LEADING, RESPONSE, asked_at)
        scored = Scored(
            facts,
            leading,
            histories,
            snapshots,
            estimates,
            reading,
            teams_with_news=frozenset() if still is None else still.teams_with_news(facts, touched),
            stood=None if still is None else Stood(still.before.snapshots, still.stood),
        )
        return scored if ordered_by is None else self._ordered(scored, histories, snapshots, ordered_by, still)

    def _ordered(
        self,
        scored: Scored,
        histories: LiveHistories,
        snapshots: Snapshots,
        handling: Handling,
        still: Unchanged | None,
    ) -> Scored:
        """The same with what the suggested order says; as it is where the rules alone speak or are wanted."""
        if scored.estimates.bundle is None or not self.order.is_wanted:
            return scored
        responses = None
        if self.order.gain.response > 0 and RESPONSE in histories.agreements.clocks:
            if still is None or still.before.responses is None:
                responses = histories.verdicts(snapshots, RESPONSE)
            else:
                responses = still.verdicts(RESPONSE, still.before.responses)
        said = suggested_order(
            histories,
            snapshots,
            scored.facts,
            (scored.leading, responses),
            scored.estimates,
            handling,
            self.order,
            to_us(scored.reading.at),
            self.work,
        )
        return replace(scored, suggestion=said, responses=responses)
