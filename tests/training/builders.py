"""A small desk as plain arrays: rows whose outcome depends on a few features, and MLflow stores that cost no migration."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from features.declaration import Feature, Settings
from features.spec import FeatureSpec
from models.boosting import BoostingParameters
from models.hazard_fitting import HazardParameters
from models.scales import sigmoid
from training.fitting import ModelSettings
from training.plan import Plan
from training.rows import Known, Labelled, Rows
from training.settings import TrainingSettings

DAY_US = 86_400_000_000
START_US = 1_700_000_000_000_000
NEVER_US = np.iinfo(np.int64).max
NAMES = (
    "share_used",
    "team_rate",
    "backlog",
    "noise_one",
    "noise_two",
    "mostly_missing",
    "remaining_hours",
    "target_hours",
)
TARGET_HOURS = 48.0


def small_spec(names: tuple[str, ...] = NAMES) -> FeatureSpec:
    features = tuple(
        Feature(name, "clock", "share", f"the {name.replace('_', ' ')}", f"What of {name}?") for name in names
    )
    settings = Settings(families=(), orders={}, keys=(), recent_keys=(), duration_keys=(), load_keys=())
    return FeatureSpec(features, settings)


@dataclass(frozen=True)
class SyntheticSource:
    """Rows of a made-up desk: tickets over some weeks, three snapshots each, labels known two days after opening."""

    labelled: Labelled
    X: np.ndarray
    end_us: int
    agreements_version: str = "agreements-1"
    data_fingerprint: str = "data-1"

    def labels(self, as_of_us: int) -> Known:
        rows = self.labelled
        known = rows.known_us <= as_of_us
        until_now = np.minimum(rows.worked_us, np.maximum(as_of_us - rows.at_us, 0))
        return Known(
            np.where(known, rows.breached, np.int8(-1)),
            np.where(known, rows.known_us, NEVER_US),
            known,
            until_now,
            until_now,
        )

    def rows(self, known_by_us: int) -> Rows:
        return Rows.of(self.labelled, small_spec(), self.X)

    def take(self, places: np.ndarray) -> SyntheticSource:
        arrays = {field.name: getattr(self.labelled, field.name)[places] for field in fields(Labelled)}
        return replace(self, labelled=Labelled(**arrays), X=self.X[places])

    def described(self, spec: FeatureSpec, text: object = None) -> Rows:
        assert spec.names == list(NAMES)
        return Rows.of(self.labelled, spec, self.X)

    @property
    def texts(self) -> dict[str, list[str]]:
        return {"priority": ["3 - Moderate"], "team": ["Network", "Desk", "Mail", "Field", "Apps", "Base"]}


def synthetic_source(tickets: int = 1500, days: int = 90, seed: int = 1, shuffled: bool = False) -> SyntheticSource:
    """With `shuffled`, the labels belong to other tickets: nothing can be learned."""
    rng = np.random.default_rng(seed)
    opened = np.sort(START_US + rng.integers(0, days * DAY_US, tickets))
    team = rng.integers(0, 6, tickets)
    team_rate = np.array([-1.5, -1.0, -0.5, 0.5, 1.0, 1.5])[team] * 0.3
    backlog = rng.normal(0, 1, tickets)
    breached = rng.random(tickets) < sigmoid(-1.2 + 2.5 * team_rate + 1.2 * backlog)
    if shuffled:
        breached = rng.permutation(breached)
    known = opened + (1 + 2 * rng.random(tickets)) * DAY_US
    ticket = np.repeat(np.arange(tickets), 3)
    at_us = opened[ticket] + np.tile(np.arange(3), tickets) * DAY_US // 4
    place = np.tile(np.arange(3), tickets)
    share = np.clip(0.3 * place + rng.normal(0, 0.02, len(ticket)), 0, 1)
    labelled = Labelled(
        breached=breached[ticket].astype(np.int8),
        known_us=known[ticket].astype(np.int64),
        has_stopped=np.ones(len(ticket), np.bool_),
        worked_us=(known[ticket] - at_us).astype(np.int64),
        open_us=(known[ticket] - at_us).astype(np.int64),
        ticket=ticket,
        at_us=at_us.astype(np.int64),
        opened_us=opened[ticket].astype(np.int64),
        kind=place.astype(np.int8),
        share_used=share,
        priority=np.zeros(len(ticket), np.int64),
        team=team[ticket].astype(np.int64),
    )
    noise = rng.normal(0, 1, (len(ticket), 2))
    missing = np.where(rng.random(len(ticket)) < 0.9, np.nan, rng.normal(0, 1, len(ticket)))
    left = TARGET_HOURS * (1.0 - share)
    promised = np.full(len(ticket), TARGET_HOURS)
    seen_backlog = backlog[ticket] + rng.normal(0, 0.1, len(ticket))
    X = np.column_stack([share, team_rate[ticket], seen_backlog, noise, missing, left, promised])
    return SyntheticSource(labelled, X, int(START_US + (days + 5) * DAY_US))


def lied_about(rows: Rows, late: np.ndarray) -> Rows:
    """The rows with another future where `late` holds: the other outcome, and twice the time."""
    known = rows.known
    factor = np.where(late, 2, 1)
    return rows.relabelled(
        np.where(late, 1 - known.breached, known.breached),
        known.known_us,
        known.has_stopped,
        known.worked_us * factor,
        known.open_us * factor,
    )


def small_settings() -> TrainingSettings:
    """Settings for a second of training; the shape of everything is as in life."""
    boosting = BoostingParameters(
        rounds=40, learning_rate=0.15, rows_per_leaf=20, lambda_l2=5.0, feature_fraction=0.5, threads=1
    )
    hazard = HazardParameters(rounds=20, learning_rate=0.2, lambda_l2=5.0, feature_fraction=0.6, time_rounds=10)
    blend = {"boosting": 0.4, "hazard": 0.2, "linear": 0.4}
    return TrainingSettings(
        model=ModelSettings(boosting=boosting, hazard=hazard, opening=hazard, blend=blend), draws=60
    )


def small_plan(tmp_path: Path, tracking_uri: str, **changes: object) -> Plan:
    plan = Plan(
        name="breach", target="resolution", tracking_uri=tracking_uri, var_dir=tmp_path, settings=small_settings()
    )
    return replace(plan, **changes)  # type: ignore[arg-type]
