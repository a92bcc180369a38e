"""A judgement as a table in words, for a terminal and for the run's page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from training.judgement import BASE_RATE, MODEL, SetResult

COLUMNS = ("AUC", "AP", "Brier", "log loss", "ECE", "found in top 10 %", "in top 20 %", "AUC gain of the model")


def judgement_text(sets: Sequence[SetResult], cut: datetime, until: datetime) -> str:
    """One table a set of snapshots: the model, then every baseline."""
    head = (
        f"Trained on what was known on {cut:%Y-%m-%d %H:%M} UTC, judged on tickets opened after it until {until:%Y-%m-%d %H:%M} UTC.\n"
        "AUC and AP: more is better. Brier, log loss and ECE: less is better. Gains with 95 % intervals over resampled days."
    )
    return "\n\n".join([head, *(_table(one) for one in sets)])


def _table(result: SetResult) -> str:
    model = result.scores[MODEL]
    title = f"{result.title}: {model.rows:,} snapshots of {result.tickets:,} tickets, {100 * model.base_rate:.1f} % end in breach"
    lines = [("", *COLUMNS), *(_line(name, result) for name in result.scores)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    ]
    return "\n".join([title, *(row.rstrip() for row in rows)])


def _line(name: str, result: SetResult) -> tuple[str, ...]:
    scores = result.scores[name]
    gain = result.auc_gain.get(name)
    ranks = name != BASE_RATE  # one probability for all orders nothing
    return (
        name,
        *(_figure(value if ranks else float("nan")) for value in (scores.auc, scores.ap)),
        *(_figure(value) for value in (scores.brier, scores.log_loss, scores.ece)),
        *(_percent(value if ranks else float("nan")) for value in scores.recall.values()),
        "" if gain is None else str(gain),
    )


def _figure(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"


def _percent(value: float) -> str:
    return "-" if value != value else f"{100 * value:.0f} %"
