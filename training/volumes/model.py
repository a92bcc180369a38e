"""From ticket events to a registered volume model: every candidate judged on rolling origins, the best served, all written down."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from features.volumes.counts import VolumeCounts
from features.volumes.planned import Outlook
from models.volumes.bundle import save_volume_model
from models.volumes.candidates import FALLBACK, LAST
from models.volumes.frame import counts_frame
from training import tracking
from training.registration import StoredBundle, register_champion, store_bundle
from training.steps import Progress, Steps
from training.volumes.fitting import FittedVolumes, VolumeSettings, fit_volumes

NAME = "volume"
PYFUNC = "pyfunc_volume.py"
SERVED = "served"
EXAMPLE_DAYS = 28


@dataclass(frozen=True)
class VolumeRequest:
    """What to train on, and where the result goes."""

    counts: VolumeCounts
    outlook: Outlook
    tracking_uri: str
    var_dir: Path
    seed: int = 0
    by: str = ""
    at: datetime | None = None
    settings: VolumeSettings = field(default_factory=VolumeSettings)


@dataclass(frozen=True)
class VolumeResponse:
    """The figures of every candidate, why what is served is served, and where the model is."""

    wape: dict[str, float]  # over all series and origins, of each candidate and of what would have been served
    coverage: dict[str, tuple[float, float]]
    why: str
    version: str
    bundle: Path
    seconds: dict[str, float]

    def text(self) -> str:
        """The figures as tables, then what is served and why."""
        if not self.wape:
            return f"{self.version}: {self.why}\n"
        lines = [
            "| candidate | WAPE % |",
            "|---|---|",
            *(f"| {name} | {100 * one:.1f} |" for name, one in self.wape.items()),
        ]
        lines += ["", "| level | within 80 % | within 95 % |", "|---|---|---|"]
        lines += [f"| {level} | {100 * a:.1f} | {100 * b:.1f} |" for level, (a, b) in self.coverage.items()]
        return "\n".join(lines) + f"\n\n{self.version}: {self.why}\n"


def train_volume(request: VolumeRequest, progress: Progress = lambda _step: None) -> VolumeResponse:
    """A registered volume model, champion at once: where nothing beats the mean of four same weekdays, that is what it serves.

    Raises VolumeError for less than two weeks of counts.
    """
    steps = Steps(progress)
    steps.begin("judging every candidate at past origins")
    fitted = fit_volumes(request.counts, request.outlook, request.settings, seed=request.seed)
    wape, why = _wape(fitted), _why(fitted)
    steps.begin("writing run, model and version to MLflow")
    bundle = store_bundle(request.var_dir, NAME, lambda folder: save_volume_model(folder, fitted.model))
    registered = _record(bundle, request, fitted, wape, why)
    steps.end()
    return VolumeResponse(wape, fitted.coverage, why, registered.version, bundle.folder, dict(steps.seconds))


def _wape(fitted: FittedVolumes) -> dict[str, float]:
    rolled = fitted.rolled
    if not len(rolled.origins):
        return {}
    found = {name: rolled.wape(name) for name in rolled.said}
    error = np.nansum(np.abs(rolled.came - fitted.served))
    return found | {SERVED: float(error / max(np.nansum(rolled.came), 1.0))}


def _why(fitted: FittedVolumes) -> str:
    """What is served, in a sentence."""
    if not len(fitted.rolled.origins):
        return f"too little history to judge on: every series is served by the {FALLBACK}"
    served = Counter(names[0] for names in fitted.model.served.values())
    parts = ", ".join(f"{count} by {name}" for name, count in served.most_common())
    judged = f"judged at {len(fitted.rolled.origins)} past origins"
    return f"of {len(fitted.model.served)} series {parts} ({judged}; a series whose best did not beat the {FALLBACK} is served by that)"


def _record(
    bundle: StoredBundle, request: VolumeRequest, fitted: FittedVolumes, wape: dict[str, float], why: str
) -> tracking.Registration:
    metrics = {f"wape.{name.replace(' ', '_').replace(',', '')}": value for name, value in wape.items()}
    for level, (inner, outer) in fitted.coverage.items():
        metrics |= {f"coverage80.{level}": inner, f"coverage95.{level}": outer}
    if wape:
        metrics["gain_vs_mean_of_four"] = 1.0 - wape[SERVED] / max(wape[FALLBACK], 1e-9)
        metrics["gain_vs_seasonal_naive"] = 1.0 - wape[SERVED] / max(wape[LAST], 1e-9)
    counts = request.counts
    record = tracking.RunRecord(
        experiment=NAME,
        run_name=f"{NAME} {bundle.digest[:8]}",
        params={**request.settings.model_dump(mode="json"), "seed": request.seed, "zone": counts.zone},
        metrics=metrics | {"series": float(len(counts.series)), "days": float(counts.days)},
        tags={"bundle_digest": bundle.digest, "why": why},
        texts={"report.txt": why + "\n"},
        pyfunc=PYFUNC,
    )
    example = counts_frame(counts.before(counts.end_day))
    example = example[example["level"] == "all"].iloc[-EXAMPLE_DAYS:].reset_index(drop=True)
    return register_champion(request, record, bundle, example, why)
