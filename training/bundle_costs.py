"""What a bundle costs whoever serves it: bytes on disk, time to load, time for one row."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from models.bundle import load_bundle

LOADS = 3
ROWS = 50


@dataclass(frozen=True)
class BundleCosts:
    """Size in bytes; milliseconds and microseconds of processor time, so that a busy machine does not fail a good model."""

    size_bytes: int
    load_milliseconds: float
    row_microseconds: float

    def named(self) -> dict[str, float]:
        """Flat figures, as they go to MLflow."""
        return {
            "bundle.size_bytes": float(self.size_bytes),
            "bundle.load_milliseconds": self.load_milliseconds,
            "bundle.row_microseconds": self.row_microseconds,
        }


def bundle_costs(folder: Path, rows: pd.DataFrame) -> BundleCosts:
    """The costs of the bundle in a folder. `rows` are some of its features; they are predicted one at a time.

    Loading is timed as the fastest of three, a row as the median of fifty: what is asked is what the bundle needs, not
    what else the machine was doing.
    """
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    load = min(_seconds(lambda: load_bundle(folder)) for _ in range(LOADS))
    bundle = load_bundle(folder)
    bundle.predict(rows.head(1))  # what is built at the first row is not the cost of a row
    one = sorted(_seconds(lambda at=place: bundle.predict(rows.iloc[[at % len(rows)]])) for place in range(ROWS))  # type: ignore[misc]
    return BundleCosts(size, 1e3 * load, 1e6 * one[len(one) // 2])


def _seconds(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began
