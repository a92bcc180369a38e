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
    return "\n\n".join([head, *(set_table(one) for one in sets)])


def set_table(result: SetResult) -> str:
    """The table of one set of snapshots, under its title."""
    return "\n".join([set_title(result), aligned([("", *COLUMNS), *set_lines(result)])])


def set_title(result: SetResult) -> str:
    """Which set it is, how large, and its base rate."""
    model = result.scores[MODEL]
    return f"{result.title}: {model.rows:,} snapshots of {result.tickets:,} tickets, {100 * model.base_rate:.1f} % end in breach"


def set_lines(result: SetResult) -> list[tuple[str, ...]]:
    """A line a model: its name, then a text for each of COLUMNS."""
    return [_line(name, result) for name in result.scores]


def aligned(lines: Sequence[tuple[str, ...]]) -> str:
    """Lines of cells as columns of text, the first to the left, all others to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = (
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )
    return "\n".join(row.rstrip() for row in rows)


def figure(value: float, digits: int = 3) -> str:
    """A figure as text; a dash where there is none."""
    return "-" if value != value else f"{value:.{digits}f}"


def percent(value: float) -> str:
    """A share as text; a dash where there is none."""
    return "-" if value != value else f"{100 * value:.0f} %"


def _line(name: str, result: SetResult) -> tuple[str, ...]:
    scores = result.scores[name]
    gain = result.auc_gain.get(name)
    ranks = name != BASE_RATE  # one probability for all orders nothing
    return (
        name,
        *(figure(value if ranks else float("nan")) for value in (scores.auc, scores.ap)),
        *(figure(value) for value in (scores.brier, scores.log_loss, scores.ece)),
        *(percent(value if ranks else float("nan")) for value in scores.recall.values()),
        "" if gain is None else str(gain),
    )
