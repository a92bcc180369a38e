"""What a bundle says about itself: enough to refuse it, to repeat it and to explain it years later."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

FORMAT: Literal["slacast-breach-bundle"] = "slacast-breach-bundle"
FORMAT_VERSION: Literal[2] = 2


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainingWindow(_Part):
    """Which history the served estimators were fitted on: tickets opened from..until, labels known by `known_until`."""

    opened_from: AwareDatetime
    opened_until: AwareDatetime
    known_until: AwareDatetime
    tickets: int
    rows: int
    breach_rate: float


class Judgement(_Part):
    """The test that the gate read: a sibling trained on what was known at `cut`, scored on tickets opened after it."""

    cut: AwareDatetime
    until: AwareDatetime
    tickets: int
    metrics: dict[str, float]


class MemberEntry(_Part):
    """One estimator of the blend: its file and its share of the log odds."""

    kind: Literal["boosting", "hazard", "linear"]
    file: str
    share: float


class Manifest(_Part):
    """The bundle's manifest.json. It holds no clock time and no version number: the same data and seed give the same bytes."""

    format: Literal["slacast-breach-bundle"] = FORMAT
    format_version: Literal[2] = FORMAT_VERSION
    name: str
    target: str
    spec_fingerprint: str
    agreements_version: str
    data_fingerprint: str
    seed: int
    parameters: dict[str, Any]
    members: tuple[MemberEntry, ...]
    window: TrainingWindow
    judgement: Judgement | None
    libraries: dict[str, str]
    seen: dict[str, tuple[str, ...]] = {}  # by column that histories are kept by: its values in training, sorted
    files: dict[str, str]  # name -> sha256
