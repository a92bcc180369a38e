"""What was said of outages while the service ran, held against what came: stored forecasts and the events since."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.outages.ledger import Ledger
from features.outages.rows import labelled
from features.outages.spans import us_of
from sla.instants import DAY_US, SECOND_US
from training.evaluation import Scores, evaluate

FEWEST_OUTAGES = 5
UNTOUCHED = "untouched share alone"


@dataclass(frozen=True)
class JudgedForecasts:
    """Figures by who answered (a model's version or a rule), with the days, services and outages they rest on."""

    scores: dict[str, Scores]
    rows: dict[str, tuple[int, int]]  # forecasts judged, outages among them
    not_known_yet: int

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values; no figures where there are fewer than FEWEST_OUTAGES outages."""
        by = {
            name: {"forecasts": count, "outages": outages, **(self.scores[name].named() if name in self.scores else {})}
            for name, (count, outages) in self.rows.items()
        }
        return {"by": by, "not_known_yet": self.not_known_yet}

    def text(self) -> str:
        """A line for each who answered."""
        lines = [f"{self.not_known_yet} forecasts have no outcome yet, or never will (down after all, or not watched)."]
        for name, (count, outages) in self.rows.items():
            head = f"{name}: {count} forecasts, a service a day, {outages} outages"
            if name in self.scores:
                found = self.scores[name]
                head += f"; AUC {found.auc:.3f}, AP {found.ap:.3f}, ECE {found.ece:.4f}, Brier {found.brier:.4f}"
            else:
                head += f"; too few to judge (from {FEWEST_OUTAGES} outages on)"
            lines.append(head)
        return "\n".join(lines)


def judge_forecasts(
    said: pd.DataFrame,
    ledger: Ledger,
    until_us: int,
    is_untouched: Callable[[str, datetime], bool] | None = None,
    *,
    groups: Ledger | None = None,
    group_names: Collection[str] = (),
) -> JudgedForecasts:
    """The figures of stored forecasts (features.store.forecasts) whose outcome was known by an instant.

    Of each service and UTC day the first forecast counts, so that none is judged twenty-four times. `is_untouched` tells
    which services were left alone on the day of an instant: they are judged once more by themselves, because nobody acted.
    Services made of others (`group_names`) are judged by the outages of the whole, which are those of their own ledger.
    """
    place = {name: number for number, name in enumerate(ledger.names) if name not in group_names}
    of_groups = {name: number for number, name in enumerate(() if groups is None else groups.names)}
    mine = said[said["subject"].isin([*place, *of_groups])].sort_values("made_at", kind="stable")
    day = us_of(mine["made_at"]) // DAY_US
    mine = mine[~pd.DataFrame({"day": day, "subject": mine["subject"].to_numpy()}).duplicated().to_numpy()]
    at_us = us_of(mine["made_at"]) // SECOND_US * SECOND_US
    label, known_us = np.full(len(mine), np.nan), np.zeros(len(mine), np.int64)
    horizon_us = us_of(mine["period_end"]) - us_of(mine["period_start"])
    is_group = mine["subject"].isin(of_groups).to_numpy(np.bool_)
    service = np.array([(of_groups | place)[name] for name in mine["subject"]], np.int64)
    for of, asked in ((ledger, ~is_group), (groups, is_group)):
        for length in np.unique(horizon_us[asked]):
            chosen = asked & (horizon_us == length)
            assert of is not None  # noqa: S101 (a group was asked about)
            rows = labelled(of, service[chosen], at_us[chosen], int(length))
            label[chosen], known_us[chosen] = rows.label, rows.known_us
    is_known = ~np.isnan(label) & (known_us <= until_us)
    who = mine["model_version"].astype(object).to_numpy()
    value = mine["value"].to_numpy(np.float64)
    answers = {str(name): is_known & (who == name) for name in sorted(set(who[is_known]))}
    if is_untouched is not None:
        pairs = zip(mine["subject"], mine["made_at"], strict=True)
        alone = np.array([is_untouched(str(name), at.to_pydatetime()) for name, at in pairs], np.bool_)
        answers |= {f"{name}, {UNTOUCHED}": rows & alone for name, rows in answers.items() if (rows & alone).any()}
    scores, counts = {}, {}
    for name, rows_of in answers.items():
        y = label[rows_of]
        counts[name] = (len(y), int(y.sum()))
        if FEWEST_OUTAGES <= y.sum() < len(y):
            scores[name] = evaluate(y, value[rows_of])
    return JudgedForecasts(scores, counts, int((~is_known).sum()))
