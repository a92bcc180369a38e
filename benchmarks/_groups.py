"""Services made of others, from public services put together by lot: is what is said of the whole what comes?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from features.outages.columns import outage_columns
from features.outages.groups import group_ledger
from features.outages.ledger import Ledger
from features.outages.rows import outage_rows
from models.outage import MEAN, OutageParameters, fit_outage_model
from models.scales import Float64Array
from sla.instants import DAY_US, Int64Array
from training.evaluation import evaluate
from training.outage_rolling import quarters

KINDS = {"1 of 2": (1, 2), "2 of 3": (2, 3), "3 of 3": (3, 3)}
ROUNDS = 3
ASKED = ("service rate", "rate x weekday", "EWMA", MEAN)
FEWEST = 60  # outages of services, for a model to be fitted
FEWEST_JUDGED = 20


def print_groups(name: str, events: pd.DataFrame, kinds: tuple[str, ...]) -> None:
    """Prints, of groups within a site and across sites, how often they failed and what models and rules said before.

    Everything is learned from the services alone. Rules know the group's own past, which is made of that of its parts.
    """
    ledger = Ledger.of(events, kinds=kinds)
    made = _put_together(ledger)
    groups = group_ledger(ledger, events, {key: (needed, parts) for key, (_, needed, parts) in made.items()})
    assert groups is not None  # all parts are known
    rows, asked = outage_rows(ledger), outage_rows(groups, until_us=ledger.until_us)
    columns, asked_columns = outage_columns(ledger, rows), outage_columns(groups, asked)
    known, outcome = ~np.isnan(rows.label), ~np.isnan(asked.label)
    rows_judged: list[Int64Array] = []
    parts: list[dict[str, Float64Array]] = []
    labels = np.array([made[one][0] for one in groups.names])
    for origin_us, next_us in pairwise([*quarters(int(rows.at_us.min()), ledger.until_us), ledger.until_us + 1]):
        train = known & (rows.known_us <= origin_us)
        here = outcome & (asked.at_us >= origin_us) & (asked.at_us < next_us)
        if rows.label[train].sum() < FEWEST or not here.any():
            continue
        model = fit_outage_model(
            columns.where(train),
            rows.label[train],
            rows.at_us[train],
            OutageParameters(),
            horizon_us=DAY_US,
            kinds=kinds,
        )
        rows_judged.append(np.flatnonzero(here))
        parts.append(model.probabilities(asked_columns.where(here)))
    judged = np.concatenate(rows_judged)
    what, y = labels[asked.service[judged]], asked.label[judged]
    for label in sorted(set(what.tolist())):
        mine = what == label
        print(
            f"  {name} {label}: {mine.sum()} rows, {int(y[mine].sum())} with an outage, base rate {y[mine].mean():.4f}"
        )
        for one in ASKED if y[mine].sum() >= FEWEST_JUDGED else ():
            said = np.concatenate([part[one] for part in parts])[mine]
            scores = evaluate(y[mine], said)
            print(f"    {one:16} mean {said.mean():.4f} AUC {scores.auc:.3f} AP {scores.ap:.3f} ECE {scores.ece:.4f}")


def _put_together(ledger: Ledger) -> dict[str, tuple[str, int, tuple[str, ...]]]:
    """Groups by name: of what kind, how many of the parts are needed, the parts. The same every time."""
    rng = np.random.default_rng(0)
    sites = [np.flatnonzero(ledger.group == one) for one in np.unique(ledger.group)]
    found: dict[str, tuple[str, int, tuple[str, ...]]] = {}
    for kind, (needed, size) in KINDS.items():
        for _ in range(ROUNDS):
            for where, some in [*(("of a site", site) for site in sites), ("of any", np.arange(len(ledger.names)))]:
                mixed = rng.permutation(some).tolist()
                for start in range(0, len(mixed) - size + 1, size):
                    parts = tuple(ledger.names[place] for place in mixed[start : start + size])
                    found[f"~ group {len(found)}"] = (f"{kind} {where}", needed, parts)
    return found
