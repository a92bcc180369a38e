"""How well the range of finishing times holds from week to week, on the public incident log before its judged month.

    python -m benchmarks.finish_range

A model trained at each of five Mondays on what was known then, asked at every event of incidents opened in the three weeks
after it (until May at most, which benchmarks.breach judges): how often the working time that the clock still ran lay in the
80 % range, and the pinball loss saved against quantiles by priority and team of the same training rows. One period says
little: a few incidents of many weeks make half of the loss.

Reads ../shared/data/uci-incidents if it is there and says so if it is not. The last line is one JSON object.
"""

from __future__ import annotations

import json
import time

import pandas as pd

from benchmarks._range import range_figures
from benchmarks.breach import EXAMPLE, LOG, ZONE
from features.sources.mapping import load_mapping
from features.sources.reading import read
from sla.agreements.loading import load_agreements
from training.building import HistoryRows
from training.looks import desk_calendar
from training.questions import Questions
from training.settings import TrainingSettings
from training.sibling import sibling_at

CUTS = ("2016-03-21", "2016-03-28", "2016-04-04", "2016-04-11", "2016-04-18")
WEEKS, LAST = 3, "2016-05-01"


def main() -> None:
    """Measure, print, and end with one line of JSON."""
    if not LOG.exists():
        print(f"{LOG.name} is absent: put the public log into ../shared/data/uci-incidents to measure it")
        print(json.dumps({"finish_range": "log absent"}))
        return
    began = time.perf_counter()
    settings = TrainingSettings()
    events = read(LOG, load_mapping(EXAMPLE / "mapping.yaml")).events
    source = HistoryRows.of(events, load_agreements(EXAMPLE / "agreements.yaml"), "resolution", settings.grid_one_in, 0)
    each = {}
    for cut in CUTS:
        begin, last = (pd.Timestamp(text, tz=ZONE) for text in (cut, LAST))
        each[cut] = _judged(source, begin, min(begin + pd.Timedelta(weeks=WEEKS), last), settings)
        told = "  ".join(f"{name.removeprefix('range.')} {value:.3f}" for name, value in each[cut].items())
        print(f"{cut}: {told}", flush=True)
    gains, holds = ([one[f"range.{name}"] for one in each.values()] for name in ("pinball_gain", "coverage80"))
    print(
        json.dumps(
            {
                "least_pinball_gain": round(min(gains), 4),
                "mean_pinball_gain": round(sum(gains) / len(gains), 4),
                "coverage80": [round(min(holds), 4), round(max(holds), 4)],
                "cuts": {cut: {name: round(value, 4) for name, value in one.items()} for cut, one in each.items()},
                "seconds": round(time.perf_counter() - began, 1),
            }
        )
    )


def _judged(
    source: HistoryRows, cut: pd.Timestamp, until: pd.Timestamp, settings: TrainingSettings
) -> dict[str, float]:
    """The figures of one cut."""
    cut_us, until_us = cut.value // 1000, until.value // 1000
    sibling = sibling_at(source, cut_us, settings, 0)
    calendar = desk_calendar(source.histories, source.verdicts)
    rows = Questions.of(source, sibling.spec, calendar, cut_us, until_us, has_queue=False).rows
    return range_figures(sibling, rows.where(rows.is_event & (rows.opened_us > cut_us)))


if __name__ == "__main__":
    main()
