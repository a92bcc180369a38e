"""Everything about a training that is a choice, in one place, so that it is logged with the run and can be changed without code."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from training.fitting import ModelSettings
from training.gate import GateSettings
from training.rehearsal import RehearsalSettings


class TrainingSettings(BaseModel):
    """How rows are drawn, what is fitted, how it is judged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: ModelSettings = ModelSettings()
    rehearsal: RehearsalSettings = RehearsalSettings()
    gate: GateSettings = GateSettings()
    grid_one_in: int = Field(default=16, ge=1)  # one of so many hourly instants of each open ticket becomes a row
    weeks_judged: int = Field(default=4, ge=1)
    most_rows: int = Field(default=500_000, ge=1_000)  # with --engine dask: of a larger log whole tickets are sampled
    draws: int = Field(default=200, ge=20)  # of the bootstrap
