"""Whether a model deserves to be served: thresholds are configuration, the answer comes with its reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from training.bootstrap import Interval
from training.evaluation import Scores


class GateSettings(BaseModel):
    """What a champion must show on tickets opened after its training ended."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least_auc_gain: float = 0.0  # the lower end of the paired interval must lie above this, for each rules baseline
    largest_calibration_error: float = 0.15
    least_tickets: int = 100
    least_breaches: int = 20
    largest_loss_to_linear: float = (
        0.01  # AUC; a model surely worse than logistic regression by more is not worth its trees
    )


@dataclass(frozen=True)
class Verdict:
    """The gate's answer: may this model be served, and why (not)."""

    is_passed: bool
    reasons: tuple[str, ...]

    @property
    def why(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)


def judge(
    scores: Scores,
    tickets: int,
    gains: Mapping[str, Interval],
    rules: tuple[str, ...],
    settings: GateSettings,
    linear: str | None = None,
) -> Verdict:
    """The verdict on a model from its scores and its paired AUC gains over each baseline (`rules` names those it must beat)."""
    faults = [*_too_little(scores, tickets, settings), *_not_better(gains, rules, settings)]
    if scores.ece > settings.largest_calibration_error:
        faults.append(
            f"its probabilities are off by {scores.ece:.3f} on average (allowed {settings.largest_calibration_error:.3f})"
        )
    if linear is not None and gains[linear].high < -settings.largest_loss_to_linear:
        faults.append(f"it is worse than {linear}: AUC {gains[linear]}")
    if faults:
        return Verdict(False, tuple(faults))
    return Verdict(True, tuple(f"AUC {gains[name]} over {name}" for name in rules))


def _too_little(scores: Scores, tickets: int, settings: GateSettings) -> list[str]:
    breaches = round(scores.rows * scores.base_rate) if scores.rows else 0
    faults = []
    if tickets < settings.least_tickets:
        faults.append(f"only {tickets} tickets to judge it on (needed {settings.least_tickets})")
    if breaches < settings.least_breaches:
        faults.append(f"only {breaches} snapshots that end in breach to judge it on (needed {settings.least_breaches})")
    return faults


def _not_better(gains: Mapping[str, Interval], rules: tuple[str, ...], settings: GateSettings) -> list[str]:
    return [
        f"not clearly better than {name}: AUC {gains[name]}, its lower end must be above {settings.least_auc_gain:+.3f}"
        for name in rules
        if not gains[name].low > settings.least_auc_gain  # NaN is not above anything
    ]
