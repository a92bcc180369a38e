"""Jobs of the data scientist: train, play back, tune, compare."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from serving.access.roles import Permission
from serving.jobs.kinds import JobArguments, JobKind, JobOrder, options
from serving.sent_instants import Instant

Target = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_:]{0,99}$", description="The clock whose breach is predicted (breach only).")
]
Seed = Annotated[int, Field(strict=True, ge=0, le=2**31 - 1, description="Same data, same seed, same result.")]
AsOf = Annotated[Instant | None, Field(description="As if it were then: later records are not read.")]
Version = Annotated[
    str,
    Field(pattern=r"^[a-z0-9_]{1,50}$", description="A version by its number (3 or v3) or by its alias (challenger)."),
]


_JUDGED_ON = {
    "outage": "on every quarter",
    "volume": "at past origins",
    "work-time": "on the last quarter of the tickets",
}


class TrainArguments(JobArguments):
    """Train, calibrate, judge and register a model; it becomes champion only where the gate lets it."""

    model: Literal["breach", "remaining-time", "outage", "volume", "work-time"] = "breach"
    target: Target = "resolution"
    as_of: AsOf = None
    cut: Annotated[Instant | None, Field(description="Judge on what came after this instant.")] = None
    tuned: Annotated[bool, Field(description="Use the settings that the last `tune` job found (breach only).")] = False
    seed: Seed = 0

    @model_validator(mode="after")
    def _fits_the_model(self) -> TrainArguments:
        if self.model != "breach" and (self.target != "resolution" or self.tuned):
            raise ValueError(f"target and tuned are for the breach model, not for {self.model}")
        if self.model in _JUDGED_ON and self.cut is not None:
            raise ValueError(f"cut is not for the {self.model} model: it is judged {_JUDGED_ON[self.model]}")
        if self.model == "work-time" and self.seed:
            raise ValueError("seed is not for the work-time model: nothing of it is drawn")
        return self


def _train(given: TrainArguments, order: JobOrder) -> list[str]:
    settings = None
    if given.tuned:
        settings = order.settings.var_dir / "tuning" / "breach.yaml"
        if not settings.is_file():
            raise ValueError(f"there are no tuned settings at {settings} yet: start a job of the kind tune first")
    target = given.target if given.model == "breach" else None
    said = options(target=target, as_of=given.as_of, cut=given.cut, settings=settings, seed=given.seed)
    return ["train", given.model, *said]


class BacktestArguments(JobArguments):
    """Play the past back: train week after week on what was known then, judge what was said of the time to come."""

    target: Target = "resolution"
    begin: Annotated[Instant | None, Field(description="The first origin.")] = None
    end: Annotated[Instant | None, Field(description="The end of the last window.")] = None
    every_days: Annotated[float, Field(ge=1, le=90, description="From one origin to the next.")] = 7.0
    folds: Annotated[int | None, Field(ge=1, le=60, description="How many origins; null: as many as fit.")] = None
    seed: Seed = 0


def _backtest(given: BacktestArguments, order: JobOrder) -> list[str]:
    span = {"from": given.begin, "to": given.end, "every": f"{given.every_days:g}d"}
    said = options(**span, target=given.target, folds=given.folds, seed=given.seed, out=order.folder / "report.html")
    return ["backtest", "breach", *said, "--json"]


class TuneArguments(JobArguments):
    """Search for better training settings; `train` uses them with `tuned`."""

    minutes: Annotated[float, Field(ge=1, le=600, description="Stop after about so long; a second job goes on.")] = 10
    target: Target = "resolution"
    seed: Seed = 0


def _tune(given: TuneArguments, _order: JobOrder) -> list[str]:
    return ["tune", "breach", *options(minutes=f"{given.minutes:g}", target=given.target, seed=given.seed), "--json"]


class CompareArguments(JobArguments):
    """Ask two versions of the breach model about the same recent tickets, which neither has learned from."""

    first: Version = "challenger"
    second: Version = "champion"
    weeks: Annotated[int, Field(ge=1, le=52, description="How many recent weeks with known outcomes.")] = 4
    retrained: Annotated[
        bool, Field(description="Compare their settings: both trained anew on what was known before these weeks.")
    ] = False


def _compare(given: CompareArguments, order: JobOrder) -> list[str]:
    named = [order.settings.model_name, given.first, given.second]
    return [
        "models",
        "compare",
        *named,
        *options(weeks=given.weeks),
        *(["--retrained"] if given.retrained else []),
        "--json",
    ]


LEARNING = tuple(
    JobKind(name=name, about=about, permission=Permission.TRAIN, arguments=arguments, command=command)
    for name, about, arguments, command in (
        ("train", "Train a model", TrainArguments, _train),
        ("backtest", "Play the past back", BacktestArguments, _backtest),
        ("tune", "Search for better settings", TuneArguments, _tune),
        ("compare", "Compare two versions", CompareArguments, _compare),
    )
)
