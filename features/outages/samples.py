"""Checks and samples of latency: many, so what they add is kept apart from all else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.outages.checks import STATUS, CheckRules
from features.outages.spans import us_of
from features.outages.watching import Watching
from features.schema import attribute_columns
from sla.instants import BoolArray, Int64Array

SAMPLED = ("check", "latency")
COLUMNS = 4
"""Of what a sample adds: a check, a failed one, an answer that was timed, the logarithm of its milliseconds in thousandths."""


@dataclass(frozen=True)
class Samples:
    """Checks that say a status, and latencies: codes into `names`, when each was recorded, amounts (n x COLUMNS)."""

    names: NDArray[np.object_]
    service: Int64Array
    at_us: Int64Array
    is_check: BoolArray
    amounts: NDArray[np.int64]
    is_sample: BoolArray  # one an event: a check or a latency, whether it says anything or not
    first: Int64Array  # of each service the places, among the events, of its first such record and of its last
    last: Int64Array

    @classmethod
    def of(cls, events: pd.DataFrame, rules: CheckRules) -> Samples:
        """The samples among canonical service events, by service and then by record."""
        is_sample = events["kind"].isin(SAMPLED).to_numpy(np.bool_)
        rows = np.flatnonzero(is_sample)
        chosen = events if len(rows) == len(events) else events[is_sample]
        codes, names = pd.factorize(chosen["service"], sort=True)
        service, at_us = codes.astype(np.int64), us_of(chosen["recorded_at"])
        order = np.lexsort((at_us, service))
        begins = np.flatnonzero(np.append(True, np.diff(service[order]) != 0)[: len(order)])
        ends = np.append(begins[1:], len(order))[: len(begins)] - 1
        is_check, amounts = _amounts(chosen, rules)
        says = is_check | (chosen["kind"] == "latency").to_numpy(np.bool_)
        kept = order[says[order]]
        return cls(
            np.asarray(names, object),
            service[kept],
            at_us[kept],
            is_check[kept],
            amounts[kept],
            is_sample,
            rows[order[begins]],
            rows[order[ends]],
        )

    def edges(self, events: pd.DataFrame) -> pd.DataFrame:
        """The first and the last sample of each service: since when and until when it is known of."""
        plain = events.drop(columns=attribute_columns(events))
        return plain.iloc[np.unique(np.concatenate([self.first, self.last]))]

    def places(self, place: dict[str, int]) -> Int64Array:
        """The place of each sample's service in the ledger's names; both are sorted, so the order stays."""
        of_code = np.array([place[name] for name in self.names], np.int64)
        return of_code[self.service] if len(of_code) else self.service

    def watching(self, service: Int64Array, services: int, silent_us: int) -> Watching:
        """When the checks watched each service."""
        return Watching.of(service[self.is_check], self.at_us[self.is_check], services, silent_us)


def _amounts(chosen: pd.DataFrame, rules: CheckRules) -> tuple[BoolArray, NDArray[np.int64]]:
    """Which rows are checks that say a status, and what each row adds."""
    n = len(chosen)
    has_status = chosen[STATUS].notna().to_numpy(np.bool_) if STATUS in chosen else np.zeros(n, np.bool_)
    is_check = (chosen["kind"] == "check").to_numpy(np.bool_) & has_status
    is_down = is_check & (chosen[STATUS].isin(rules.down_words).to_numpy(np.bool_) if has_status.any() else has_status)
    value = chosen["value"].to_numpy(np.float64)
    is_timed = np.isfinite(value) & (value > 0) & ~is_down
    amounts = np.zeros((n, COLUMNS), np.int64)
    amounts[:, 0], amounts[:, 1], amounts[:, 2] = is_check, is_down, is_timed
    amounts[is_timed, 3] = np.round(1000 * np.log(value[is_timed])).astype(np.int64)
    return is_check, amounts
