"""Whether a model of when tickets end deserves to be served: mean absolute errors beside tables, intervals by days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.scales import Float64Array
from sla.instants import DAY_US, Int64Array
from training.bootstrap import Interval, Prepared, paired_differences, ratio
from training.remaining_time_rows import RemainingRows

MODEL = "model"


@dataclass(frozen=True)
class RemainingTimeJudgement:
    """Errors in hours over n rows of tickets opened after the cut; gains are baseline less model, positive where it is better."""

    rows: int
    tickets: int
    open_tickets: int  # left out, because nobody knows yet when they end
    errors: Mapping[str, float]
    medians: Mapping[str, float]
    gains: Mapping[str, Interval]
    is_passed: bool
    why: str

    def metrics(self) -> dict[str, float]:
        """All figures by flat name."""
        found = {"rows": float(self.rows), "tickets": float(self.tickets)}
        for name, value in self.errors.items():
            found[f"mae_hours.{_plain(name)}"] = value
            found[f"median_error_hours.{_plain(name)}"] = self.medians[name]
        for name, gain in self.gains.items():
            found |= {f"gain_hours.{_plain(name)}": gain.value, f"gain_hours.{_plain(name)}_low": gain.low}
        return found

    def text(self) -> str:
        """The errors as a table."""
        head = f"{self.rows:,} rows of {self.tickets:,} tickets; {self.open_tickets:,} more tickets are still open"
        lines = [head, f"{'off by, in hours':30}{'mean':>9}{'median':>9}   the model is better by"]
        for name, value in self.errors.items():
            gain = self.gains.get(name)
            better = "" if gain is None else f"   {gain.value:+.1f} [{gain.low:+.1f}, {gain.high:+.1f}]"
            lines.append(f"{name:30}{value:9.1f}{self.medians[name]:9.1f}{better}")
        return "\n".join(lines)


def judge_answers(
    asked: RemainingRows,
    answers: Mapping[str, Float64Array],
    open_tickets: int,
    *,
    least_tickets: int,
    draws: int,
) -> RemainingTimeJudgement:
    """The judgement on answers (hours) by name; `model` must beat every other, its gain's interval clear of zero."""
    hours = asked.hours
    off = {name: np.abs(answer - hours) for name, answer in answers.items()}
    days = asked.opened_us // DAY_US
    gains = paired_differences(hours, answers, MODEL, days, _gain, draws=draws)
    tickets = len(np.unique(asked.snapshots.ticket))
    faults = [f"only {tickets} tickets to judge it on (needed {least_tickets})"] if tickets < least_tickets else []
    faults += [f"not clearly better than the {name}" for name, gain in gains.items() if not gain.low > 0]
    why = "; ".join(faults) or "; ".join(
        f"{gain.value:.1f} hours better than the {name}" for name, gain in gains.items()
    )
    return RemainingTimeJudgement(
        rows=len(asked),
        tickets=tickets,
        open_tickets=open_tickets,
        errors={name: float(one.mean()) for name, one in off.items()},
        medians={name: float(np.median(one)) for name, one in off.items()},
        gains=gains,
        is_passed=not faults,
        why=why,
    )


def _gain(hours: Float64Array, answer: Float64Array, block: Int64Array) -> Prepared:
    """The mean absolute error with its sign turned, so that more is better."""
    return ratio(-np.abs(answer - hours), np.ones(len(hours)), block)


def _plain(name: str) -> str:
    return name.replace(" ", "_")
