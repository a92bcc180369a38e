"""Teams with nothing to work on, and the ticket of another team that each could take: sharing saves more than any order of one queue."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from serving.handling import Handling
from serving.queue import IdleTeam
from serving.scored import Scored

FEWEST_FINISHED = 5
"""So many finished tickets of a category in eight weeks show that a team can solve it."""
LEAST_QUEUE = 2
"""A team with fewer tickets to work on is taken to manage by itself."""


def idle_teams(scored: Scored, handling: Handling) -> tuple[IdleTeam, ...]:
    """What each idle team could take, the weightiest first; nothing where the rules alone speak.

    A team is idle when none of its open tickets can be worked on now; who is on shift is not known. It is qualified for what it has finished
    before. Offered is what nobody is assigned to, of teams with LEAST_QUEUE tickets to work on, in the order of gain; no ticket is offered twice.
    """
    said = scored.suggestion
    if said is None:
        return ()
    texts = scored.facts.texts
    workable = said.row >= 0
    queues = texts["team"].counts(workable)
    skills = _skills(handling.finished, queues)
    if not skills:
        return ()
    asked = {category for known in skills.values() for category, count in known.items() if count >= FEWEST_FINISHED}
    free = np.flatnonzero(workable & scored.is_unassigned & texts["category"].is_among(asked))
    found = []
    for place in free[np.argsort(-said.gain[free], kind="stable")].tolist():
        owner, category = texts["team"][place], texts["category"][place]
        if queues.get(owner, 0) < LEAST_QUEUE or not owner:
            continue
        team, finished = max(
            ((team, known.get(category, 0)) for team, known in skills.items()), key=lambda one: (one[1], one[0])
        )
        if finished < FEWEST_FINISHED:
            continue
        found.append(_advice(scored, place, team, finished))
        del skills[team]
        if not skills:
            break
    return tuple(found)


def _skills(finished: Mapping[tuple[str, str], int], queues: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """How many tickets of each category each idle team has finished."""
    found: dict[str, dict[str, int]] = {}
    for (team, category), count in finished.items():
        if team and category and team not in queues:
            found.setdefault(team, {})[category] = count
    return found


def _advice(scored: Scored, place: int, team: str, finished: int) -> IdleTeam:
    texts, ticket = scored.facts.texts, str(scored.facts.ticket_ids[place])
    owner, category = texts["team"][place], texts["category"][place]
    words = (
        f"{team} has nothing to work on and finished {finished} tickets of {category} in eight weeks: "
        f"take {ticket}, which waits for {owner}."
    )
    return IdleTeam(team, ticket, owner, texts["service"][place], category, finished, words)
