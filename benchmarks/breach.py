"""How good the breach model is on the public incident log, beside every baseline: the figures that the model is held to.

    python -m benchmarks.breach                  # cuts 1 and 11 May 2016
    python -m benchmarks.breach --cuts april     # cuts 1 and 11 April: where settings are compared

Trained at each cut on what was known then, asked about incidents opened after it until the end of the period: first events,
all events, the queue of every office hour, the points at which clocks pass a share of their target. The queue's order is
judged on all open incidents, older ones included. The worse of the two cuts counts; both stand beside it, with baselines.
`made_sla` is the log's own flag instead (benchmarks/_made_sla.py), at one cut.

Reads ../shared/data/uci-incidents if it is there and says so if it is not. The last line is one JSON object. The
configuration is that of the code, without arguments; nothing here is fitted to the test weeks.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._made_sla import made_sla
from benchmarks._range import range_figures
from features.sources.mapping import load_mapping
from features.sources.reading import read
from sla.agreements.agreement_set import AgreementSet
from sla.agreements.loading import load_agreements
from training.assessment import assess, peaks_of
from training.assessment_text import assessment_text
from training.building import HistoryRows
from training.evaluation.queue import DUE, DUE_WAITING_LAST, SHARE
from training.judgement import GROUP_TABLE, LINEAR, MODEL, SHARE_RULE
from training.looks import desk_calendar
from training.questions import Questions
from training.settings import TrainingSettings
from training.sibling import Sibling, sibling_at

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT.parent / "shared" / "data" / "uci-incidents" / "incident_event_log.zip"
EXAMPLE = ROOT / "examples" / "uci-incidents"
ZONE = "Europe/Berlin"
PERIODS = {
    "may": (("2016-05-01", "2016-05-11"), "2016-06-01"),
    "april": (("2016-04-01", "2016-04-11"), "2016-05-01"),
}
MADE_SLA_CUTS = {"may": ("2016-05-11 00:29", "2016-06-01"), "april": ("2016-04-11 00:29", "2016-05-01")}
MAY_LOOKS = (
    "May was looked at by a feasibility study, five times while the first version of the model was written, and by this "
    "benchmark as often as it was run with these cuts; settings were compared on April alone"
)
LESS_IS_BETTER = ("brier", "ece", "log_loss", "seconds", "microseconds")
PREDICTED_ROWS = 10_000
DAY_US = 86_400_000_000


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", choices=list(PERIODS), default="may")
    which = parser.parse_args().cuts
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if not LOG.exists():
        print(f"{LOG.name} is absent: put the public log into ../shared/data/uci-incidents to measure it")
        print(json.dumps({"breach": "log absent"}))
        return
    began = time.perf_counter()
    agreements = load_agreements(EXAMPLE / "agreements.yaml")
    events = read(LOG, load_mapping(EXAMPLE / "mapping.yaml")).events
    source = HistoryRows.of(events, agreements, "resolution", TrainingSettings().grid_one_in, 0)
    print(f"read in {time.perf_counter() - began:.0f} s: {len(source.labelled):,} rows to learn from")
    cuts, until = PERIODS[which]
    each = {cut: _judged_at(source, _us(cut), _us(until), cut) for cut in cuts}
    found = _worse([one["figures"] for one in each.values()])
    found |= _own_flag(events, agreements, which)
    print(MAY_LOOKS + ".")
    told: dict[str, Any] = {name: round(value, 4) for name, value in found.items()}
    told |= {"cuts": each, "may_looks": MAY_LOOKS, "total_seconds": round(time.perf_counter() - began, 1)} | _machine()
    print(json.dumps(told))


def _judged_at(source: HistoryRows, cut_us: int, until_us: int, name: str) -> dict[str, Any]:
    """All figures of one cut, printed as text on the way."""
    began = time.perf_counter()
    settings = TrainingSettings()
    sibling = sibling_at(source, cut_us, settings, 0)
    train_seconds = time.perf_counter() - began
    calendar = desk_calendar(source.histories, source.verdicts)
    asked = Questions.of(source, sibling.spec, calendar, cut_us, until_us)
    answered = asked.answered(sibling.predict(asked.rows))
    found = assess(
        answered, [cut_us], since_us=cut_us, only_new=True, earlier=_earlier(source, sibling), draws=settings.draws
    )
    print(f"\n== cut {name}, {len(sibling.train):,} rows of {sibling.train.ticket_count():,} tickets; {sibling.blend}")
    print(assessment_text(found))
    new = asked.rows.where(asked.rows.is_event & (asked.rows.opened_us > cut_us))
    figures = found.named() | range_figures(sibling, new)
    figures |= {"train_seconds": train_seconds, "row_microseconds": _row_microseconds(sibling, asked.rows.X)}
    baselines: dict[str, Any] = {result.key: _baselines(result.scores) for result in found.sets}
    if found.queue is not None:
        soon, far = found.queue.soon, found.queue.far
        baselines["orders"] = {
            order: {f"soon{top}": round(table.found[order].value, 4) for top, table in soon.items()}
            | {f"far{top}": round(table.found[order].value, 4) for top, table in far.items()}
            for order in (DUE, DUE_WAITING_LAST, SHARE, LINEAR)
        }
    baselines["lead_early20"] = {name: round(one.far_recall.value, 4) for name, one in found.early.items()}
    baselines["lead_far20"] = {name: round(one.far_recall.value, 4) for name, one in found.lead.items()}
    intervals = {
        f"{result.key}.gain_over_{other.replace(' ', '_')}": [
            round(part, 4) for part in (gain.value, gain.low, gain.high)
        ]
        for result in found.sets
        for other, gain in result.auc_gain.items()
    }
    return {
        "figures": {name: round(value, 5) for name, value in figures.items()},
        "baselines": baselines,
        "intervals": intervals,
        "blend": str(sibling.blend),
        "calibration": sibling.answer.why,
    }


def _earlier(source: HistoryRows, sibling: Sibling) -> dict[str, Any]:
    """Peaks of the tickets of the four weeks before the cut under a model trained before them: thresholds are chosen there."""
    origin_us = sibling.cut_us - 28 * DAY_US
    if origin_us < int(source.labelled.opened_us.min()) + 14 * DAY_US:
        return {}
    before = sibling_at(source, origin_us, TrainingSettings(), 0, like=sibling)
    calendar = desk_calendar(source.histories, source.verdicts)
    asked = Questions.of(source, before.spec, calendar, origin_us, sibling.cut_us)
    answered = asked.answered(before.predict(asked.rows))
    rows = answered.rows
    is_past = (rows.known_us <= sibling.cut_us) & (rows.opened_us <= sibling.cut_us - sibling.maturity_us)
    return dict(peaks_of(answered.where(is_past), origin_us))


def _row_microseconds(sibling: Sibling, X: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    """Processor time of one row of many, from features to calibrated log odds, by the members that have a say."""
    part = X[:PREDICTED_ROWS]
    best = np.inf
    for _ in range(3):
        began = time.process_time()
        values = sibling.fitted.range.clip(part)
        margin = sum(share * member.margin(values) for member, share in sibling.fitted.served(sibling.blend))
        sibling.calibration.apply(np.asarray(margin, dtype=np.float64))
        best = min(best, time.process_time() - began)
    return float(best / len(part) * 1e6)


def _baselines(scores: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    return {
        name: {figure: round(getattr(one, figure), 4) for figure in ("auc", "ap", "brier", "log_loss", "ece")}
        for name, one in scores.items()
        if name != MODEL
    }


def _worse(cuts: list[dict[str, float]]) -> dict[str, float]:
    """Of each figure of the model the worse of the cuts; of a coverage the one further from 80 %."""
    found = {}
    for name in cuts[0]:
        if any(name not in one for one in cuts) or any(
            f".{other}_" in name for other in ("trees", "linear", "group", "rules", "base")
        ):
            continue
        values = [one[name] for one in cuts]
        if name == "range.coverage80":
            found[name] = max(values, key=lambda value: abs(value - 0.8))
        else:
            found[name] = max(values) if name.endswith(LESS_IS_BETTER) else min(values)
    return found


def _own_flag(events: pd.DataFrame, agreements: AgreementSet, which: str) -> dict[str, float]:
    cut, until = MADE_SLA_CUTS[which]
    found = made_sla(LOG, events, agreements, _us(cut), _us(until))
    print(f"\n== made_sla, cut {cut}")
    for name, value in found.items():
        print(f"{name}: {value:.4f}")
    return found


def _us(text: str) -> int:
    return int(pd.Timestamp(text, tz=ZONE).value // 1000)


def _machine() -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "date": datetime.now(UTC).date().isoformat(),
        "baselines_named": [GROUP_TABLE, SHARE_RULE, LINEAR, DUE_WAITING_LAST],
    }


if __name__ == "__main__":
    main()
