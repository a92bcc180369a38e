"""How the score of a ticket went, as it was stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

MOST = 500
_TOLD = ("scored_at", "state", "probability", "due_at", "bundle_version", "reasons")


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
    frame = found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)
    shown = np.flatnonzero(~frame["is_shadow"].to_numpy(dtype=bool))
    shown = shown[np.argsort(frame["scored_at"].to_numpy()[shown], kind="stable")][-MOST:]
    columns = [frame[name].iloc[shown].tolist() for name in _TOLD]  # a frame of a few rows costs more than its values
    return [_point(values) for values in zip(*columns, strict=True)]


def _point(values: Sequence[Any]) -> ScorePoint:
    known: list[Any] = [None if pd.isna(one) else one for one in values]
    scored_at, state, probability, due_at, bundle_version, reasons = known
    return ScorePoint(
        scored_at=scored_at.to_pydatetime(),
        state=state,
        probability=probability,
        due_at=None if due_at is None else due_at.to_pydatetime(),
        bundle_version=bundle_version,
        reasons=tuple(json.loads(reasons)) if reasons else (),
    )
