"""A volume model on disk: JSON and LightGBM's own text, nothing that runs code when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.volumes.candidates import CANDIDATES
from models.volumes.intervals import Intervals
from models.volumes.model import SHAPES, VolumeModel
from models.volumes.regression import RegressionParameters
from models.volumes.trees import VolumeTrees

FORMAT, FORMAT_VERSION = "slacast volume", 1
MODEL_FILE, TREES_FILE = "manifest.json", "trees.txt"  # the registry finds a bundle by its manifest


class VolumeModelError(ValueError):
    """A folder that holds no volume model that this program can read; the text says what to do."""


def save_volume_model(folder: Path, model: VolumeModel) -> str:
    """The digest of the model as written; equal digests are equal models."""
    folder.mkdir(parents=True, exist_ok=True)
    trees = "" if model.trees is None else model.trees.text()
    data = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "horizon_days": model.horizon,
        "served": {name: list(names) for name, names in model.served.items()},
        "variance": dict(model.variance),
        "order": list(model.order),
        "intervals": {kind: one.to_json() for kind, one in model.intervals.items()},
        "shape": model.shape,
        "parameters": asdict(model.parameters),
        "trees_sha256": _hash(trees) if trees else "",
    }
    text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n"
    if trees:
        (folder / TREES_FILE).write_bytes(trees.encode())
    (folder / MODEL_FILE).write_bytes(text.encode())
    return _hash(text)


def load_volume_model(folder: Path) -> VolumeModel:
    """The model in a folder. Raises VolumeModelError for what is missing, unknown or altered."""
    path = folder / MODEL_FILE
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise VolumeModelError(f"{folder} holds no volume model ({fault}). Train one: slacast train volume") from fault
    if (data.get("format"), data.get("version")) != (FORMAT, FORMAT_VERSION):
        raise VolumeModelError(f"{path} is not of the format {FORMAT!r}, version {FORMAT_VERSION}: train again")
    unknown = sorted({name for names in data["served"].values() for name in names} - set(CANDIDATES))
    if unknown or data["shape"] not in SHAPES:
        raise VolumeModelError(f"{path} names {unknown or data['shape']}, which this program lacks: train again")
    return _from_json(data, _trees(folder, data["trees_sha256"]))


def _trees(folder: Path, digest: str) -> VolumeTrees | None:
    if not digest:
        return None
    try:
        text = (folder / TREES_FILE).read_bytes().decode()
    except OSError as fault:
        raise VolumeModelError(f"{folder} lacks {TREES_FILE}: copy the folder again, or train again") from fault
    if _hash(text) != digest:
        raise VolumeModelError(
            f"{folder / TREES_FILE} was altered after training: copy the folder again, or train again"
        )
    return VolumeTrees.from_text(text)


def _from_json(data: Mapping[str, Any], trees: VolumeTrees | None) -> VolumeModel:
    parameters: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in data["parameters"].items()
    }
    return VolumeModel(
        int(data["horizon_days"]),
        {name: tuple(names) for name, names in data["served"].items()},
        {name: float(value) for name, value in data["variance"].items()},
        {kind: Intervals.from_json(one) for kind, one in data["intervals"].items()},
        tuple(data["order"]),
        data["shape"],
        RegressionParameters(**parameters),
        trees,
    )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
