"""A work-time model with what it reads of a ticket: words as places in an order of training, on disk as JSON and LightGBM's own text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.work_time import CategoryMeans, Floats, WorkBelief, WorkTimeModel

FORMAT, FORMAT_VERSION = "slacast work-time", 1
MANIFEST, TREES = "manifest.json", "trees.txt"
COLUMNS = ("category", "priority", "service", "team", "customer", "title")
KINDS = (0, 1)  # places of the columns by which category means are taken
FEWEST = 10  # words seen less often are all one

Texts = NDArray[np.object_]


class WorkTimeError(ValueError):
    """A folder that holds no work-time model that this program can read, or a log that has too little to learn from."""


@dataclass(frozen=True)
class WorkTime:
    """How much hands-on work a ticket needs, by its words. `minutes`: what counted as work, `booked` or `pick_up`."""

    orders: Mapping[str, tuple[str, ...]]  # by column: the words, those of the least work first
    model: WorkTimeModel
    minutes: str
    tickets: int
    version: str = ""

    @property
    def is_learned(self) -> bool:
        """Whether trees say anything beyond category means."""
        return self.model.booster is not None and self.model.trust > 0

    def belief(self, texts: Mapping[str, Texts]) -> WorkBelief:
        """The belief about all the work of n tickets, by their texts as known now."""
        return self.model.belief(placed(self.orders, texts))


def ordered(texts: Mapping[str, Texts], logs: Floats) -> dict[str, tuple[str, ...]]:
    """For each column its words that are seen often enough, those of the least work first: places that trees can split."""
    found = {}
    for column in COLUMNS:
        groups = pd.DataFrame({"word": texts[column], "log": logs}).groupby("word")["log"].agg(["mean", "size"])
        often = groups[groups["size"] >= FEWEST].sort_values("mean", kind="stable")
        found[column] = tuple(str(word) for word in often.index)
    return found


def placed(orders: Mapping[str, tuple[str, ...]], texts: Mapping[str, Texts]) -> Floats:
    """The places of n tickets' words, n x columns; -1 for a word that is not in the order."""
    columns: list[Floats] = []
    for column in COLUMNS:
        place_of = {word: place for place, word in enumerate(orders[column])}
        codes, words = pd.factorize(np.asarray(texts[column], dtype=object), use_na_sentinel=False)
        place = np.array([place_of.get(word, -1) for word in words], np.float64)
        columns.append(place[codes] if len(codes) else place)
    return np.column_stack(columns).astype(np.float64).reshape(-1, len(COLUMNS))


def save_work_time(folder: Path, found: WorkTime) -> str:
    """The digest of the model as written; equal digests are equal models."""
    folder.mkdir(parents=True, exist_ok=True)
    model, categories = found.model, found.model.categories
    trees = "" if model.booster is None else model.booster.model_to_string()
    data = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "minutes": found.minutes,
        "tickets": found.tickets,
        "orders": {column: list(words) for column, words in found.orders.items()},
        "trust": model.trust,
        "log_sd": model.log_sd,
        "overall": categories.overall,
        "category_log_sd": categories.log_sd,
        "means": [[*key, mean] for key, mean in sorted(categories.means.items())],
        "trees_sha256": _hash(trees) if trees else "",
    }
    text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n"
    if trees:
        (folder / TREES).write_bytes(trees.encode())
    (folder / MANIFEST).write_bytes(text.encode())
    return _hash(text)


def load_work_time(folder: Path, *, version: str | None = None) -> WorkTime:
    """The model in a folder. Raises WorkTimeError for what is missing, unknown or altered."""
    path = folder / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise WorkTimeError(
            f"{folder} holds no work-time model ({fault}). Train one: slacast train work-time"
        ) from fault
    if (data.get("format"), data.get("version")) != (FORMAT, FORMAT_VERSION) or set(data["orders"]) != set(COLUMNS):
        raise WorkTimeError(f"{path} is not of the format {FORMAT!r}, version {FORMAT_VERSION}: train again")
    categories = CategoryMeans(
        KINDS, {tuple(row[:-1]): row[-1] for row in data["means"]}, data["overall"], data["category_log_sd"]
    )
    model = WorkTimeModel(categories, _trees(folder, data["trees_sha256"]), data["trust"], data["log_sd"])
    orders = {column: tuple(words) for column, words in data["orders"].items()}
    return WorkTime(orders, model, data["minutes"], int(data["tickets"]), version or "")


def _trees(folder: Path, digest: str) -> lgb.Booster | None:
    if not digest:
        return None
    try:
        text = (folder / TREES).read_bytes().decode()
    except OSError as fault:
        raise WorkTimeError(f"{folder} lacks {TREES}: copy the folder again, or train again") from fault
    if _hash(text) != digest:
        raise WorkTimeError(f"{folder / TREES} was altered after training: copy the folder again, or train again")
    return lgb.Booster(model_str=text)


def _hash(text: Any) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
