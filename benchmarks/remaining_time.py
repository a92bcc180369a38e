"""Remaining time of tickets on the public help desk log, by the protocol of published work, and by two stricter ones.

    python -m benchmarks.remaining_time [--validate] [PATH OF finale.csv.gz]

Tickets in order of their first record: 64 % train, 16 % validation, 20 % test. One sample a prefix of 2 to n-1 records of
tickets with 3 or more; the answer is the time from the prefix's last record to the ticket's last one; MAE in days over all
2,579 test prefixes. Features and model are the product's, as of each prefix's last record.

    loose      trained on train + validation, however late their tickets ended: what published figures do
    strict     only on tickets that had ended when the test part began
    retrained  each month of the test part by a model trained on the tickets that had ended when that month began

`--validate` never reads an answer of the test part: it compares configurations on the validation part and on two earlier
splits with a long horizon (trained on the first 40 % and 55 %, judged on what was opened in the 16 months since, up to the
end of the validation part). CONFIGURATION was fixed by it before the test part was looked at; docs/remaining-time.md tells how often
that happened. Intervals are block bootstraps over days of opening. The last line is one JSON object.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.histories import Histories
from features.pipeline import build
from features.sources.mapping import load_mapping
from features.sources.reading import read
from features.spec import FeatureSpec
from models.remaining_time import RemainingTimeParameters, fit_remaining_time
from sla.agreements.loading import load_agreements
from sla.instants import DAY_US
from training.remaining_time_rows import RemainingRows, remaining_rows

ROOT = Path(__file__).resolve().parents[1]
LOG = ROOT.parent / "shared" / "data" / "helpdesk" / "finale.csv.gz"
EXAMPLE = ROOT / "examples" / "helpdesk"
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

TRAIN, KNOWN = 0.64, 0.80  # shares of tickets: where the validation part begins, where the test part does
SHORTEST = 2
HORIZON_US = int(16 * 30.4375 * DAY_US)
MONTH_US = 30 * DAY_US
DRAWS = 1000
DEFAULTS = RemainingTimeParameters()


@dataclass(frozen=True)
class Configuration:
    """What validation chooses: feature families, features left out by the beginning of their names, trees."""

    families: tuple[str, ...] = ("sequence",)
    without: tuple[str, ...] = ()
    parameters: RemainingTimeParameters = DEFAULTS


CONFIGURATION = Configuration()
ALTERNATIVES = {
    "chosen": Configuration(),
    "without how long ago": Configuration(without=("activity_since",)),
    "with static, path, calendar": Configuration(families=("static", "path", "calendar", "sequence")),
    "with load and history": Configuration(families=("load", "history", "sequence")),
    "12 rows a leaf": Configuration(parameters=RemainingTimeParameters(rows_per_leaf=12)),
    "40 rows a leaf": Configuration(parameters=RemainingTimeParameters(rows_per_leaf=40)),
    "300 trees": Configuration(parameters=RemainingTimeParameters(trees=300)),
}
LOOKS = 3  # how often the test part was looked at by this project's code


@dataclass(frozen=True)
class Desk:
    """The log by the protocol: rows with the place of their ticket in order of opening."""

    histories: Histories
    rows: RemainingRows
    place: NDArray[np.int64]  # of the row's ticket
    opened_us: NDArray[np.int64]  # of all tickets, ascending

    @classmethod
    def of(cls, log: Path) -> Desk:
        """The log at a path."""
        events = read(log, load_mapping(EXAMPLE / "mapping.yaml")).events
        histories = Histories.from_events(events, load_agreements(EXAMPLE / "agreements.yaml"))
        steps = histories.steps
        opened_us = steps.opened_us
        order = np.argsort(opened_us, kind="stable")
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        last_us = steps.known_us[steps.offsets[1:] - 1]  # the protocol's end: the last record, whatever it says
        rows = remaining_rows(histories, end_us=last_us, shortest=SHORTEST)
        return cls(histories, rows, place[rows.snapshots.ticket], opened_us[order])

    def at_share(self, share: float) -> int:
        """How many tickets a share of them is."""
        return int(len(self.opened_us) * share)

    @property
    def days(self) -> Floats:
        """Days until the end, one a row."""
        return self.rows.hours / 24.0

    def part(self, first: float, last: float = 1.0) -> Mask:
        """The rows of the tickets between two shares."""
        return (self.place >= self.at_share(first)) & (self.place < self.at_share(last))

    def begins_us(self, share: float) -> int:
        """When the first ticket after a share of them was opened."""
        return int(self.opened_us[self.at_share(share)])

    def ended_by(self, at_us: int) -> Mask:
        """The rows whose ticket had ended before an instant."""
        return self.rows.end_us < at_us

    def answers(self, configuration: Configuration, train: Mask, asked: Mask, cut_us: int, seed: int = 0) -> Floats:
        """Predicted days for the rows that are asked; features are named by what was known at the cut."""
        spec = FeatureSpec.from_histories(self.histories.known_by(cut_us), configuration.families)
        out = configuration.without or ("\0",)
        spec = FeatureSpec(tuple(one for one in spec.features if not one.name.startswith(out)), spec.settings)
        X = build(self.histories, self.rows.snapshots, spec)
        model = fit_remaining_time(X[train], self.rows.hours[train], spec, configuration.parameters, seed=seed)
        days: Floats = model.predict(X[asked]) / 24.0
        return days

    def mean_by_length(self, train: Mask, asked: Mask) -> Floats:
        """The baseline: the mean of the training rows with as many records."""
        days = pd.Series(self.days[train])
        means = days.groupby(self.rows.length[train]).mean()
        return np.asarray(pd.Series(self.rows.length[asked]).map(means).fillna(days.mean()), np.float64)

    def error(self, answers: Floats, asked: Mask) -> float:
        """Mean absolute error in days."""
        return float(np.abs(answers - self.days[asked]).mean())

    def interval(self, answers: Floats, asked: Mask) -> tuple[float, float]:
        """95 % interval of the mean absolute error, over resampled days of opening."""
        off = np.abs(answers - self.days[asked])
        _, block = np.unique(self.rows.opened_us[asked] // DAY_US, return_inverse=True)
        sums, counts = np.bincount(block, off), np.bincount(block)
        rng = np.random.default_rng(0)
        drawn = rng.integers(0, len(sums), (DRAWS, len(sums)))
        low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
        return float(low), float(high)


def retrained(desk: Desk, configuration: Configuration, asked: Mask, cut_us: int, until_us: int) -> Floats:
    """Answers in the order of the asked rows: each month by a model of the tickets that had ended when it began."""
    at_us = desk.rows.snapshots.at_us
    answers = np.full(len(at_us), np.nan)
    for month_us in range(cut_us, int(at_us[asked].max()) + 1, MONTH_US):
        now = asked & (at_us >= month_us) & (at_us < month_us + MONTH_US)
        train = desk.ended_by(month_us) & (desk.rows.end_us < until_us)
        if now.any():
            answers[now] = desk.answers(configuration, train, now, month_us)
    return answers[asked]


def validate(desk: Desk, configurations: dict[str, Configuration]) -> None:
    """Prints mean absolute errors before the test part; no answer after it is read."""
    print(
        "days; loose / strict on each split, and retrained monthly over the last 36 % before the test part", flush=True
    )
    end_us = desk.begins_us(KNOWN)
    for name, configuration in configurations.items():
        figures = []
        for share in (TRAIN, 0.40, 0.55):
            cut_us = desk.begins_us(share)
            asked = desk.part(share, KNOWN) & (desk.rows.opened_us < cut_us + HORIZON_US)
            trains = (desk.part(0, share), desk.part(0, share) & desk.ended_by(cut_us))
            figures += [desk.error(desk.answers(configuration, train, asked, cut_us), asked) for train in trains]
        asked = desk.part(0.44, KNOWN)
        answers = retrained(desk, configuration, asked, desk.begins_us(0.44), end_us)
        loose, strict = np.mean(figures[::2]), np.mean(figures[1::2])
        pairs = "  ".join(f"{a:.3f}/{b:.3f}" for a, b in zip(figures[::2], figures[1::2], strict=True))
        print(
            f"{name:34} {pairs}  mean {loose:.3f}/{strict:.3f}  retrained {desk.error(answers, asked):.3f}", flush=True
        )


def look(desk: Desk, configuration: Configuration) -> dict[str, float]:
    """The figures of the test part."""
    asked, cut_us = desk.part(KNOWN), desk.begins_us(KNOWN)
    known = desk.part(0, KNOWN)
    answers = {
        "mean_by_length": desk.mean_by_length(known, asked),
        "mae_loose": desk.answers(configuration, known, asked, cut_us),
        "mae_strict": desk.answers(configuration, known & desk.ended_by(cut_us), asked, cut_us),
        "mae_retrained": retrained(desk, configuration, asked, cut_us, int(desk.rows.end_us.max()) + 1),
    }
    found = {"helpdesk.prefixes": float(asked.sum())}
    for name, days in answers.items():
        low, high = desk.interval(days, asked)
        found |= {
            f"helpdesk.{name}": desk.error(days, asked),
            f"helpdesk.{name}_low": low,
            f"helpdesk.{name}_high": high,
        }
        print(f"{name:16} {desk.error(days, asked):6.3f} [{low:.2f}, {high:.2f}]", flush=True)
    return found


def main() -> int:
    """0 when the figures were made; 2 where the log is not there."""
    words = [word for word in sys.argv[1:] if word != "--validate"]
    log = Path(words[0]) if words else LOG
    if not log.is_file():
        print(
            f"{log} is not there: pass the path of finale.csv.gz (doi 10.4121/uuid:0c60edf1-6f83-4e75-9367-4c63b3e9d5bb)."
        )
        return 2
    desk = Desk.of(log)
    if "--validate" in sys.argv:
        validate(desk, ALTERNATIVES)
        return 0
    found = look(desk, CONFIGURATION)
    print(json.dumps({name: round(value, 4) for name, value in found.items()} | {"helpdesk.looks": LOOKS}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
