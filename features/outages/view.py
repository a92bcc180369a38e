"""Rows of a service and an instant, with what was summed of each service by then and in windows before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.outages.ledger import Ledger
from features.outages.rows import FloatArray, OutageRows
from sla.instants import DAY_US, Int64Array

WINDOWS = (1, 3, 7, 14, 28, 30, 90)  # days
HOUR_US = DAY_US // 24


@dataclass(frozen=True)
class OutageView:
    """What the columns of rows are read from; each sum is of what was recorded strictly before."""

    ledger: Ledger
    rows: OutageRows
    horizon_us: int

    @cached_property
    def total(self) -> NDArray[np.int64]:
        """Of each service since ever, as Ledger.summed."""
        return self._sums(0)

    @cached_property
    def windows(self) -> dict[int, NDArray[np.int64]]:
        """The same of the last so many days."""
        return {days: self.total - self._sums(days) for days in WINDOWS}

    @cached_property
    def happened(self) -> dict[int, NDArray[np.int64]]:
        """The same of ServiceHistories.sums; 0: since ever."""
        found, key = self.ledger.histories.sums, self.rows.service + 1
        at = {
            days: found.sums.upto(key, found.timeline.before(self.rows.at_us - days * DAY_US)) for days in (0, 1, 7, 30)
        }
        return {days: at[0] - sums if days else sums for days, sums in at.items()}

    @cached_property
    def watched_days(self) -> FloatArray:
        """How long each service is known of."""
        days: FloatArray = (self.rows.at_us - self.ledger.watch_since_us[self.rows.service]) / DAY_US
        return np.maximum(days, 0.0)

    def count(self, kind: str, what: str, days: int = 0) -> Int64Array:
        """One column of `happened`."""
        found: Int64Array = self.happened[days][:, self.ledger.histories.sums.columns[kind, what]]
        return found

    def _sums(self, days: int) -> NDArray[np.int64]:
        return self.ledger.summed(self.rows.service, self.rows.at_us - days * DAY_US)
