"""How the score of a ticket went, as it was stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from features.store.predictions import ShownPrediction

MOST = 500


class StoredPredictions(Protocol):
    """What is needed of features.store.predictions.Predictions."""

    def shown(self, ticket_id: str, target: str, until: datetime, most: int) -> Sequence[ShownPrediction]:
        """The last predictions of one ticket's target up to an instant, shadow ones left out; the earliest first."""


@dataclass(frozen=True)
class ScorePoint:
    """What was said of a ticket from an instant on, until the next."""

    scored_at: datetime
    state: str
    probability: float | None
    due_at: datetime | None
    bundle_version: str | None
    reasons: tuple[str, ...]


def score_history(
    predictions: StoredPredictions, ticket_id: str, until: datetime, target: str = "resolution", most: int = MOST
) -> list[ScorePoint]:
    """What was shown of a ticket up to an instant, oldest first, the last `most` changes; a challenger's scores are left out."""
    return [
        ScorePoint(
            scored_at=one.scored_at,
            state=one.state,
            probability=one.probability,
            due_at=one.due_at,
            bundle_version=one.bundle_version,
            reasons=tuple(json.loads(one.reasons)) if one.reasons else (),
        )
        for one in predictions.shown(ticket_id, target, until, most)
    ]
