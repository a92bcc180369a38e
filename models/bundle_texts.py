"""The members of a bundle and its range of finishing times as texts: which file holds what, written and read back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from models import boosting, hazard, linear
from models.boosting import BoostingMember
from models.bundle_files import BundleFiles, as_json
from models.finish import FinishModel
from models.hazard import HazardMember
from models.linear import LinearMember
from models.shape import ShapeModel

Member = BoostingMember | HazardMember | LinearMember
MEMBER_FILES = {boosting.KIND: "boosting.txt", hazard.KIND: "hazard.json", linear.KIND: "linear.json"}
OPENING, FINISH = "opening", "finish.json"
SHAPE_TREES, SHAPE = "shape.txt", "shape.json"


def member_texts(members: Iterable[Member]) -> dict[str, str]:
    """The text of every file of the members, by name."""
    texts: dict[str, str] = {}
    for member in members:
        if isinstance(member, BoostingMember):
            texts[MEMBER_FILES[member.kind]] = member.text()
        elif isinstance(member, HazardMember):
            texts |= _hazard_texts(member, hazard.KIND)
        else:
            texts[MEMBER_FILES[member.kind]] = as_json(member.to_json())
    return texts


def finish_texts(finish: FinishModel | None) -> dict[str, str]:
    """The text of every file of the range of finishing times, by name; those of its first hazard model are the member's too."""
    if finish is None:
        return {}
    told: dict[str, object] = {"levels": {"working": list(finish.levels), OPENING: list(finish.opening_levels)}}
    if np.isfinite(finish.longest_hours).all():
        told["longest_hours"] = list(finish.longest_hours)
    shape = finish.shape
    return {
        **_hazard_texts(finish.working, hazard.KIND),
        **_hazard_texts(finish.opening, OPENING),
        **({SHAPE_TREES: shape.text(), SHAPE: as_json(shape.to_json())} if shape else {}),
        FINISH: as_json(told),
    }


def _hazard_texts(member: HazardMember, name: str) -> dict[str, str]:
    risk, time = member.texts()
    return {f"{name}-risk.txt": risk, f"{name}-time.txt": time, f"{name}.json": as_json(member.to_json())}


def read_member(files: BundleFiles, kind: str, file: str, finish: FinishModel | None) -> Member:
    """A member as written; the hazard member is that of the range, where the bundle has one."""
    if kind == boosting.KIND:
        return BoostingMember.from_text(files.text(file))
    if kind == hazard.KIND:
        return finish.working if finish is not None else _read_hazard(files, hazard.KIND)
    return LinearMember.from_json(files.parsed(file))


def _read_hazard(files: BundleFiles, name: str) -> HazardMember:
    return HazardMember.from_texts(
        files.text(f"{name}-risk.txt"), files.text(f"{name}-time.txt"), files.parsed(f"{name}.json")
    )


def read_finish(files: BundleFiles) -> FinishModel:
    """The range of finishing times as written. Older bundles may lack the shape and how long clocks were seen to go on."""
    told = files.parsed(FINISH)
    working, opening = (tuple(float(level) for level in told["levels"][name]) for name in ("working", OPENING))
    on_clock, in_calendar = (float(hours) for hours in told.get("longest_hours", (np.inf, np.inf)))
    shape = None
    if SHAPE in files.manifest.files:
        shape = ShapeModel.from_text(files.text(SHAPE_TREES), files.parsed(SHAPE))
    return FinishModel(
        _read_hazard(files, hazard.KIND),
        _read_hazard(files, OPENING),
        working,  # type: ignore[arg-type]  # three of them, as written
        opening,  # type: ignore[arg-type]
        shape,
        (on_clock, in_calendar),
    )
