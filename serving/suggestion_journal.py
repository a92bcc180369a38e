"""What is stored of the suggested order: the first tickets of each team's queue, whenever they changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from serving.queue import Queue
from serving.scored import Scored
from serving.scored_rows import ScoredRows

PLACES = 5
"""So many places of a team's queue are kept: who picks beyond them did not follow."""


class SuggestionTable(Protocol):
    """What is needed of features.store.suggestions.Suggestions."""

    def append(self, frame: pd.DataFrame, conditions: Sequence[Callable[[Any], None]] = ()) -> object:
        """Store rows."""


class SuggestionJournal:
    """Stores what each team is advised to take next; what is said again is not stored again.

    In weeks without the suggested order it is stored all the same, as not shown: who then takes its first ticket did so without being told.
    """

    def __init__(self, table: SuggestionTable) -> None:
        self._table = table
        self._said: dict[str, tuple[bool, tuple[str, ...]]] = {}

    def forget(self) -> None:
        """Say everything once more: another process may have said other things since."""
        self._said = {}

    def store(self, queue: Queue, conditions: Sequence[Callable[[Any], None]] = ()) -> int:
        """0, as no scores are stored: the first tickets of teams where they changed are, in one transaction, under the conditions."""
        if not isinstance(queue.rows, ScoredRows):
            return 0
        said = first_tickets(queue.rows.scored)
        news = {team: told for team, told in said.items() if self._said.get(team) != told}
        rows = [
            (team, ticket, place, is_shown)
            for team, (is_shown, tickets) in news.items()
            for place, ticket in enumerate(tickets, start=1)
        ]
        if rows:
            frame = pd.DataFrame(rows, columns=["team", "ticket_id", "place", "is_shown"])
            self._table.append(frame.assign(suggested_at=pd.Timestamp(queue.as_of)), conditions)
        self._said = said
        return 0


def first_tickets(scored: Scored, places: int = PLACES) -> dict[str, tuple[bool, tuple[str, ...]]]:
    """For each team whether it has the suggested order now, and the first tickets of its queue in it; nothing where the rules alone speak."""
    said = scored.suggestion
    if said is None:
        return {}
    chosen = np.flatnonzero((said.rank >= 1) & (said.rank <= places))
    chosen = chosen[np.argsort(said.rank[chosen], kind="stable")]
    found: dict[str, tuple[bool, list[str]]] = {}
    for place in chosen.tolist():
        team = scored.facts.texts["team"][place]
        found.setdefault(team, (bool(said.is_shown[place]), []))[1].append(str(scored.facts.ticket_ids[place]))
    return {team: (is_shown, tuple(tickets)) for team, (is_shown, tickets) in found.items() if team}
