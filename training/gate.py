"""Whether a model deserves to be served: thresholds are configuration, the answer comes with its reasons in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from training.bootstrap import Interval
from training.bundle_costs import BundleCosts
from training.evaluation import Scores
from training.rivalry import Rivalry
from training.slice_gains import SliceGain, surely_worse


class GateSettings(BaseModel):
    """What a champion must show on tickets opened after its sibling's training ended (docs/models.md, The gate)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least_tickets: int = Field(default=100, description="Tickets to judge on.")
    least_breaches: int = Field(default=20, description="Snapshots among them that end in breach.")
    least_auc_gain: float = Field(
        default=0.0, description="The lower end of the gain in AUC over each rules table must lie above this."
    )
    largest_calibration_error: float = Field(default=0.15, description="ECE over 15 bins of equal mass.")
    largest_loss_to_linear: float = Field(
        default=0.01, description="AUC by which it may surely be worse than logistic regression on the same features."
    )
    champion: Literal["not worse", "better", "ignored"] = Field(
        default="not worse",
        description="Against the live champion: not surely worse by more than the two margins below, surely better in AUC, or not compared.",
    )
    largest_auc_loss_to_champion: float = Field(default=0.005, description="Margin in AUC for `not worse`.")
    largest_brier_loss_to_champion: float = Field(default=0.002, description="Margin in Brier score for `not worse`.")
    least_slice_tickets: int = Field(default=100, description="Smaller slices (a team, a priority) are not judged.")
    least_slice_breaches: int = Field(default=10, description="Breaching tickets that a judged slice has at least.")
    largest_slice_loss: float = Field(
        default=0.01, description="Brier score by which it may surely be worse than a rules table in a slice."
    )
    largest_bundle_megabytes: float = Field(default=20.0, description="All files of the bundle together.")
    largest_load_milliseconds: float = Field(default=300.0, description="Processor time to load and check the bundle.")
    largest_row_microseconds: float = Field(default=2000.0, description="Processor time for one row, features given.")


@dataclass(frozen=True)
class Check:
    """One question of the gate, whether the answer is good, and the answer in words."""

    name: str
    is_passed: bool
    why: str


@dataclass(frozen=True)
class Verdict:
    """The gate's answer: may this model be served, and why (not)."""

    checks: tuple[Check, ...]

    @property
    def is_passed(self) -> bool:
        """Whether every check is."""
        return all(check.is_passed for check in self.checks)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks against the model; where nothing does, what speaks for it."""
        against = tuple(check.why for check in self.checks if not check.is_passed)
        return against or tuple(check.why for check in self.checks if check.name in ("rules", "champion"))

    @property
    def why(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)

    def and_also(self, *checks: Check) -> Verdict:
        """The verdict with further checks."""
        return Verdict((*self.checks, *checks))

    def table(self) -> str:
        """Every check as a Markdown table, for the run."""
        lines = ["| check | | why |", "|---|---|---|"]
        lines += [
            f"| {check.name} | {'passed' if check.is_passed else 'FAILED'} | {check.why} |" for check in self.checks
        ]
        return "\n".join(lines) + "\n"


def judge(
    scores: Scores,
    tickets: int,
    gains: Mapping[str, Interval],
    rules: tuple[str, ...],
    settings: GateSettings,
    linear: str | None = None,
) -> Verdict:
    """The verdict on a model from its scores and its paired AUC gains over each baseline (`rules` names those it must beat)."""
    checks = [_evidence(scores, tickets, settings), _rules(gains, rules, settings), _calibration(scores, settings)]
    if linear is not None:
        is_worse = gains[linear].high < -settings.largest_loss_to_linear
        words = f"it is worse than {linear}: AUC {gains[linear]}" if is_worse else f"AUC {gains[linear]} over {linear}"
        checks.append(Check("linear", not is_worse, words))
    return Verdict(tuple(checks))


def champion_check(rivalry: Rivalry, settings: GateSettings) -> Check:
    """Whether the model may take the champion's place.

    A retrained model need not be surely better: retraining is how probabilities stay right when the desk changes, so a
    champion that is only as good and older should go. What is surely worse by more than a margin stays out.
    """
    name, told = "champion", f"{rivalry.champion}: {rivalry.basis}".rstrip(": ")
    if settings.champion == "ignored" or rivalry.auc is None or rivalry.brier is None:
        return Check(name, True, told)
    figures = f"AUC {rivalry.auc}, Brier {rivalry.brier} over {told}"
    if settings.champion == "better":
        is_better = rivalry.auc.low > 0  # NaN is not above anything
        return Check(name, is_better, figures if is_better else f"not clearly better than the champion: {figures}")
    margins = (
        (rivalry.auc, settings.largest_auc_loss_to_champion),
        (rivalry.brier, settings.largest_brier_loss_to_champion),
    )
    if any(gain.high < -margin for gain, margin in margins):
        return Check(name, False, f"surely worse than the champion: {figures}")
    return Check(name, True, figures)


def slice_check(slices: Sequence[SliceGain], settings: GateSettings) -> Check:
    """Whether no team and no priority is served worse than by the rules."""
    worse = surely_worse(slices, settings.largest_slice_loss)
    if worse:
        parts = [f"{one.name} ({one.tickets} tickets): Brier {one.gains[rule]} over {rule}" for one, rule in worse]
        return Check("slices", False, f"surely worse than the rules in {', '.join(parts)}")
    return Check("slices", True, f"none of {len(slices)} slices is surely worse than the rules")


def cost_check(costs: BundleCosts, settings: GateSettings) -> Check:
    """Whether the bundle is small and quick enough to serve."""
    megabytes = costs.size_bytes / 1e6
    limits = (
        (megabytes, settings.largest_bundle_megabytes, f"it takes {megabytes:.1f} MB"),
        (costs.load_milliseconds, settings.largest_load_milliseconds, f"it loads in {costs.load_milliseconds:.0f} ms"),
        (costs.row_microseconds, settings.largest_row_microseconds, f"a row takes {costs.row_microseconds:.0f} us"),
    )
    faults = [f"{words} (allowed {limit:g})" for value, limit, words in limits if value > limit]
    return Check("costs", not faults, "; ".join(faults) or ", ".join(words for _, _, words in limits))


def _evidence(scores: Scores, tickets: int, settings: GateSettings) -> Check:
    breaches = round(scores.rows * scores.base_rate) if scores.rows else 0
    faults = []
    if tickets < settings.least_tickets:
        faults.append(f"only {tickets} tickets to judge it on (needed {settings.least_tickets})")
    if breaches < settings.least_breaches:
        faults.append(f"only {breaches} snapshots that end in breach to judge it on (needed {settings.least_breaches})")
    return Check("evidence", not faults, "; ".join(faults) or f"{tickets} tickets, {breaches} snapshots end in breach")


def _rules(gains: Mapping[str, Interval], rules: tuple[str, ...], settings: GateSettings) -> Check:
    faults = [
        f"not clearly better than {name}: AUC {gains[name]}, its lower end must be above {settings.least_auc_gain:+.3f}"
        for name in rules
        if not gains[name].low > settings.least_auc_gain  # NaN is not above anything
    ]
    return Check(
        "rules", not faults, "; ".join(faults) or "; ".join(f"AUC {gains[name]} over {name}" for name in rules)
    )


def _calibration(scores: Scores, settings: GateSettings) -> Check:
    is_off = scores.ece > settings.largest_calibration_error
    words = f"its probabilities are off by {scores.ece:.3f} on average"
    return Check("calibration", not is_off, f"{words} (allowed {settings.largest_calibration_error:.3f})")
