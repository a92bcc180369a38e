"""How the score of a ticket went, as it was stored."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

MOST = 500


class StoredPredictions(Protocol):
    """What is needed of features.store.predictions.Predictions."""

    def chunks(self, *, until: datetime, ticket_ids: list[str], target: str) -> Iterator[pd.DataFrame]:
        """Predictions in the order they were stored."""


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
    predictions: StoredPredictions, ticket_id: str, until: datetime, target: str = "resolution"
) -> list[ScorePoint]:
    """What was shown of a ticket up to an instant, oldest first, the last MOST changes; a challenger's scores are left out."""
    found = [chunk for chunk in predictions.chunks(until=until, ticket_ids=[ticket_id], target=target) if len(chunk)]
    if not found:
        return []
    frame = pd.concat(found, ignore_index=True)
    shown = frame[~frame["is_shadow"].astype(bool)].sort_values("scored_at", kind="stable").tail(MOST)
    return [_point(record) for record in shown.astype(object).where(shown.notna(), None).to_dict("records")]


def _point(record: Mapping[Hashable, Any]) -> ScorePoint:
    due_at = record["due_at"]
    return ScorePoint(
        scored_at=record["scored_at"].to_pydatetime(),
        state=record["state"],
        probability=record["probability"],
        due_at=None if due_at is None else due_at.to_pydatetime(),
        bundle_version=record["bundle_version"],
        reasons=tuple(json.loads(record["reasons"])) if record["reasons"] else (),
    )
