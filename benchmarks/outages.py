"""Which services have a new outage within 24 hours: rolling quarters on two public data sets, planted signals, speed.

    python -m benchmarks.outages [--early] [--hours] [--groups] [--large] [FOLDER WITH THE TWO FILES]

At the beginning of each quarter every candidate is fitted to what was known then and asked about the quarter, service by
service and day by day; `served` is what the gate, on the quarters before, would have served. The configuration was chosen
with `--early`, which sees nothing recorded after CHOSEN_UNTIL; the figures are of the quarters since. Intervals
resample weeks. Upptime: outages from checks by the rules of features/outages/checks.py. GitHub: an outage is any published
incident but maintenance and `none`. With `--hours` the models of the early quarters, which learn from midnights, are asked
at other hours too, and with `--groups` about services made of others, put together by lot. With `--large` ten million made checks are imported and turned
into histories too (a few minutes, some gigabytes). The last line is one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._checks import import_seconds
from benchmarks._groups import print_groups
from benchmarks._planted import planted
from features.outages.columns import RULES, outage_columns
from features.outages.ledger import Ledger
from features.outages.rows import OutageRows, outage_rows, rows_at
from features.schema import conform_service_events
from features.sources.mapping import load_mapping
from features.sources.reading import read
from models.outage import CANDIDATES, MEAN, OutageParameters, fit_outage_model
from serving.services.making import Answering, make_basis
from sla.agreements.loading import parse_agreements
from sla.instants import DAY_US, from_us
from training.bootstrap import Interval, auc, average_precision, interval, paired_differences
from training.evaluation import evaluate
from training.outage_rolling import Rolled, decide, earlier_rows, gated, roll

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "services"
CHOSEN_UNTIL = pd.Timestamp("2025-07-01", tz="UTC")
WEEKDAY = "rate x weekday"
LARGE_CHECKS = 10_000_000
HOURS = (0, 6, 12, 18)  # UTC
LOOKS = 6  # how often the late quarters were looked at; docs/outages.md says what was changed after each
NO_CATALOGUE = "slacast: 1\nagreements: [{name: x, targets: [{metric: resolution, goals: [{default: true, within: no agreement}]}]}]"


@dataclass(frozen=True)
class Source:
    """A public data set: its file, how it is read, which kinds of events are outages."""

    file: str
    mapping: str
    kinds: tuple[str, ...]


SOURCES = {
    "upptime": Source("upptime_checks.csv.gz", "service-checks", ("outage",)),
    "github": Source("github_component_incidents.csv.gz", "service-incidents", ("outage", "degradation")),
}


def rolled_of(source: Source, folder: Path, *, early: bool) -> tuple[Rolled, Rolled]:
    """All rolled rows, and of these the ones that are judged."""
    events = read(folder / source.file, load_mapping(ROOT / "examples" / source.mapping / "mapping.yaml")).events
    if early:
        events = events[events["recorded_at"] < CHOSEN_UNTIL]
    ledger = Ledger.of(events, kinds=source.kinds)
    rows = outage_rows(ledger)
    columns = outage_columns(ledger, rows)
    rolled = roll(rows, columns, OutageParameters(), horizon_us=DAY_US, kinds=source.kinds)
    rolled = Rolled(
        rolled.y,
        rolled.at_us,
        rolled.origin_us,
        {**rolled.said, "served": gated(rolled, earlier_rows(rows, columns, rolled))},
    )
    late = rolled.at_us >= CHOSEN_UNTIL.value // 1000
    return rolled, rolled if early else rolled.where(late)


def early_events(source: Source, folder: Path) -> pd.DataFrame:
    """What was recorded in the quarters that everything was chosen on."""
    events = read(folder / source.file, load_mapping(ROOT / "examples" / source.mapping / "mapping.yaml")).events
    return events[events["recorded_at"] < CHOSEN_UNTIL]


def print_hours(name: str, source: Source, folder: Path) -> None:
    """Prints how well models that learned from midnights answer at other hours of the day, on the early quarters."""
    ledger = Ledger.of(early_events(source, folder), kinds=source.kinds)
    parts = [outage_rows(ledger, hour=hour) for hour in HOURS]
    names = OutageRows.__dataclass_fields__
    rows = OutageRows(*(np.concatenate([getattr(part, one) for part in parts]) for one in names))
    columns = outage_columns(ledger, rows)
    is_midnight = rows.at_us % DAY_US == 0
    rolled = roll(rows, columns, OutageParameters(), horizon_us=DAY_US, kinds=source.kinds, learned=is_midnight)
    for hour in HOURS:
        here = rolled.where(rolled.at_us % DAY_US == hour * DAY_US // 24)
        for one in (WEEKDAY, "EWMA", MEAN):
            scores = evaluate(here.y, here.said[one])
            print(f"  {name} at {hour:02d}:00 {one:16} AUC {scores.auc:.3f} AP {scores.ap:.3f} ECE {scores.ece:.4f}")


def figures(name: str, rolled: Rolled) -> dict[str, float]:
    """Prints every candidate beside the base rate; the keys of the source."""
    y, out = rolled.y, {}
    print(f"{name}: {len(y)} rows, {int(y.sum())} with an outage, base rate {y.mean():.4f}", flush=True)
    gains = {
        word: paired_differences(y, rolled.said, WEEKDAY, rolled.weeks, figure)
        for word, figure in (("AUC", auc), ("AP", average_precision))
    }
    for one in (*CANDIDATES, "served"):
        scores = evaluate(y, rolled.said[one])
        over = "".join(f"  {word} {_turned(found[one])}" for word, found in gains.items() if one in found)
        print(
            f"  {one:24} AUC {scores.auc:.3f} AP {scores.ap:.3f} ECE {scores.ece:.4f}{'  over the weekday rate:' * bool(over)}{over}"
        )
    print(f"  served: AUC {interval(y, rolled.said['served'], rolled.weeks, auc).plain}")
    best = max(RULES, key=lambda rule: evaluate(y, rolled.said[rule]).ap)
    over_best = rolled.gain("served", best)
    print(
        f"  served over the best rule, {best}: AP {over_best}; the gate on these rows: {decide(rolled).why}", flush=True
    )
    served, gain = evaluate(y, rolled.said["served"]), _turned(gains["AP"]["served"])
    out = {"roc_auc": served.auc, "pr_auc": served.ap, "ece": served.ece, "base_rate": served.base_rate}
    out |= {"pr_auc_gain": gain.value, "pr_auc_gain_low": gain.low}
    out |= {
        "mean_roc_auc": evaluate(y, rolled.said[MEAN]).auc,
        "weekday_roc_auc": evaluate(y, rolled.said[WEEKDAY]).auc,
    }
    out |= {"over_best_rule": over_best.value, "over_best_rule_high": over_best.high}
    return {f"{name}.{key}": value for key, value in out.items()}


def planted_share(seed: int = 1) -> float:
    """Average precision of the mean over that of the true probabilities, on later days than those it learned from."""
    events, truth = planted(services=60, days=240, seed=seed)
    ledger = Ledger.of(events)
    rows = outage_rows(ledger)
    rows = rows.where(~np.isnan(rows.label))
    columns = outage_columns(ledger, rows)
    cut_us = int(np.quantile(rows.at_us, 0.7)) // DAY_US * DAY_US
    train, test = rows.known_us <= cut_us, rows.at_us >= cut_us
    model = fit_outage_model(
        columns.where(train),
        rows.label[train],
        rows.at_us[train],
        OutageParameters(),
        horizon_us=DAY_US,
        kinds=("outage",),
    )
    said, best = model.predict(columns.where(test)), truth.of(ledger.names, rows.where(test))
    y = rows.label[test]
    return evaluate(y, said).ap / evaluate(y, best).ap


def scoring_seconds(services: int = 5000) -> tuple[float, float]:
    """Processor seconds to score so many services with half a year of outages, the ledger in memory, and to tell how all stand."""
    rng = np.random.default_rng(0)
    n = services * 12
    start = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 180 * 86_400, n), unit="s")
    service = [f"s{number:05d}" for number in rng.integers(0, services, n)]
    begins = pd.DataFrame({"service": service, "event_at": start, "phase": "start"})
    ends = begins.assign(event_at=begins["event_at"] + pd.Timedelta(minutes=20), phase="end")
    events = pd.concat([begins, ends], ignore_index=True).assign(kind="outage")
    events["event_id"] = [f"e{number}" for number in range(len(events))]
    events = conform_service_events(events)
    ledger = Ledger.of(events)
    rows = outage_rows(ledger)
    some = rows.where((~np.isnan(rows.label)) & (np.arange(len(rows)) % 40 == 0))
    model = fit_outage_model(
        outage_columns(ledger, some), some.label, some.at_us, OutageParameters(), horizon_us=DAY_US, kinds=("outage",)
    )
    began = time.process_time()
    asked = rows_at(ledger, ledger.until_us)
    model.predict(outage_columns(ledger, asked))
    scored = time.process_time()
    make_basis(events, None, parse_agreements(NO_CATALOGUE), from_us(ledger.until_us), Answering(model, "made", None))
    return scored - began, time.process_time() - scored


def main() -> int:
    """0 when the figures were made; 2 where the data are not there."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    folder, early = Path(words[0]) if words else DATA, "--early" in sys.argv
    if not all((folder / source.file).is_file() for source in SOURCES.values()):
        print(f"{folder} lacks {', '.join(source.file for source in SOURCES.values())}: pass the folder that has them.")
        return 2
    began = time.process_time()
    found: dict[str, float] = {}
    for name, source in SOURCES.items():
        _, judged = rolled_of(source, folder, early=early)
        found |= figures(name, judged)
        if "--hours" in sys.argv:
            print_hours(name, source, folder)
        if "--groups" in sys.argv:
            print_groups(name, early_events(source, folder), source.kinds)
    found["seconds"] = time.process_time() - began
    found["planted_share"] = planted_share()
    found["score_5000_seconds"], found["board_5000_seconds"] = scoring_seconds()
    if "--large" in sys.argv:
        found |= import_seconds(LARGE_CHECKS)
    print(json.dumps({name: round(value, 4) for name, value in found.items()} | {"looks": 0 if early else LOOKS}))
    return 0


def _turned(gain: Interval) -> Interval:
    return Interval(-gain.value, -gain.high, -gain.low)


if __name__ == "__main__":
    sys.exit(main())
