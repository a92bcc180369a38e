"""Open tickets as columns of work: time left, promised, spent and still needed, for the suggested order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.hands_on import HandsOn, hands_on
from features.live import LiveHistories
from features.snapshots import Snapshots
from features.waiting import Waiting
from models.work_marks import WorkTime
from serving.estimates import Estimates
from serving.facts import Facts
from serving.handling import Handling
from serving.suggested import OrderSettings, Suggestion, suggestion, weights_of
from serving.work_time import believed
from sla.clocks.verdicts import VerdictArrays, VerdictState
from sla.instants import NEVER_US, SECOND_US, Int64Array

MINUTE_US = 60.0 * SECOND_US


def suggested_order(
    histories: LiveHistories,
    snapshots: Snapshots,
    facts: Facts,
    clocks: tuple[VerdictArrays, VerdictArrays | None],
    estimates: Estimates,
    handling: Handling,
    settings: OrderSettings,
    at_us: int,
    work_time: WorkTime | None = None,
) -> Suggestion:
    """What the order says of m open tickets at an instant. `clocks`: verdicts on the resolution and, where it is agreed and counts, on the response."""
    leading, response = clocks
    runs = leading.is_in(VerdictState.RUNNING, VerdictState.BREACHED)
    places = np.flatnonzero(runs & (leading.target_us > 0) & (leading.stopped_us == NEVER_US))
    leading, texts = leading.take(places), facts.texts
    spent = _spent(histories, snapshots.take(places), leading)
    category, priority = texts["category"].take(places), texts["priority"].take(places)
    whole = believed(work_time, handling, lambda name: facts.some(name, places))
    belief = handling.belief(category, priority, spent, whole)
    is_touched = np.isfinite(spent.since_pick_up) | spent.had_detour
    work = Waiting(
        left=leading.remaining_us / MINUTE_US,
        response_left=_response_left(response, places),
        target=leading.target_us / MINUTE_US,
        weight=weights_of(priority, settings.weights),
        log_mean=belief.log_mean,
        log_sd=belief.log_sd,
        expected=belief.expected,
        detour_share=np.where(is_touched, 0.0, handling.detour(category)),
        opened=facts.opened_us[places] / MINUTE_US,
    )
    probability = estimates.probability[places]
    team, ticket_ids = texts["team"].take(places), facts.ticket_ids[places]
    return suggestion(work, team, probability, ticket_ids, places, len(snapshots), handling, settings, at_us)


def _spent(histories: LiveHistories, snapshots: Snapshots, leading: VerdictArrays) -> HandsOn:
    found = HandsOn.nothing(len(snapshots))
    for rows, part, mine in histories.parts(snapshots):
        told = hands_on(part, mine, "resolution", leading.elapsed_us[rows])
        for name in ("booked", "since_pick_up", "had_detour"):
            getattr(found, name)[rows] = getattr(told, name)
    return found


def _response_left(response: VerdictArrays | None, places: Int64Array) -> NDArray[np.float64]:
    if response is None:
        return np.full(len(places), np.inf)
    mine = response.take(places)
    runs = (mine.state == VerdictState.RUNNING) & (mine.target_us > 0)
    return np.where(runs, mine.remaining_us / MINUTE_US, np.inf)
